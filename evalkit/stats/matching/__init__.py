"""Comparison groups made alike by matching.

candidates.py      Who may be matched with whom: sorted scores, strata and calipers
full.py            Optimal full matching
match_methods.py   Run one method on units: sets, weights, links, and why units are left out
match_options.py   The options: which words are known, and which go together
match_results.py   A value for each row, counts and a sentence
match_units.py     The units that are matched: rows, or whole families
matched.py         The result: weights, sets, pairs, who was left out and why, balance
matching.py        The call
narrowing.py       A pool too large for memory, narrowed where it lies
nearest.py         Nearest-neighbour matching, greedy, without and with replacement
optimal.py         Optimal pair matching, with its proof
optimal_line.py    The same on one score without a caliper, in one pass
propensity.py      The chance of treatment given the covariates
scores.py          What units are matched on, and the caliper
set_weights.py     Weights and effective sizes of matched units
strata.py          Exact and coarsened values, subclasses of the score
"""
