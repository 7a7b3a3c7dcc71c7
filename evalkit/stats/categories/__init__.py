"""Outcomes that are yes or no, or ordered.

binary.py             Differences and ratios of risks and of odds between arms
diagonal_roots.py     The inverse root of a diagonal matrix less one of low rank
families.py           Distributions of outcomes for regression
glm.py                Logistic
mantel_haenszel.py    Mantel-Haenszel differences and ratios over strata
marginal.py           Marginal effects on a risk by g-computation
ordered_outcomes.py   Outcomes in ordered categories
ordinal.py            The odds of a higher category, between arms: an outcome in ordered categories
proportional_odds.py  The proportional-odds model (cumulative logits) by maximum likelihood
risk_study.py         A study of a yes-or-no outcome
separation.py         Find out whether columns separate a yes-or-no outcome
small_tables.py       Intervals for a two-by-two table that hold when few people have the outcome
win_probability.py    The chance that a treated person does better than one not treated
"""
