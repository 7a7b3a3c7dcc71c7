"""Effect sizes.

changes.py              Change within one group
clustered_sizes.py      Effect sizes where people are in clusters
effect_sizes.py         Standardised mean differences
logit_sizes.py          Effect sizes of yes-or-no outcomes in standard deviations
standardised_change.py  Standardised change from before to after, in one group and between two
summary_sizes.py        Effect sizes from two groups or their summaries
variance_shares.py      The share of an outcome's variance that goes with the arm
"""
