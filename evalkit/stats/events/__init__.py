"""Counts of events and time to them.

counts.py           Ratios of rates of events between arms
cox.py              Cox regression by maximum partial likelihood
log_rank.py         The log-rank test
overdispersed.py    Negative-binomial regression
rates.py            Rates of events over exposure
risk_sets.py        Risk sets of the partial likelihood
survival.py         Time until an event
survival_curves.py  Kaplan-Meier curves
survival_study.py   A study of time until an event
"""
