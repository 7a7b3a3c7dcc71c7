"""Weights that make a comparison group like those the effect is about, and effects with them.

arm_regression.py   Least squares within each arm, weighted, taken to the people the effect is about
augmented.py        Effects by outcome regression and propensity together
entropy.py          The weights nearest to equal that give an arm chosen means
influences.py       What each person or cluster adds to an effect, as its standard error
propensity.py       The chance of treatment given covariates
weight_columns.py   The rows and the columns that weights are made from
weight_fits.py      Weights as functions of estimated parameters
weight_results.py   What weighting returns
weighted_effects.py Differences between arms after weighting
weights.py          Weights by propensity, overlap or entropy balancing
"""
