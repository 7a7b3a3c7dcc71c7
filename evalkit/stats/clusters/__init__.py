"""Models with random effects of clusters and sites.

mixed_models.py      Differences between arms in a linear model with a random intercept for each
one_arm_clusters.py  A programme given in groups against people on their own
random_intercept.py  A linear model with one random intercept, by restricted maximum likelihood
random_slope.py      A linear model whose level and slope vary over groups, likewise
robust_mixed.py      CR2 for a model with a random intercept: the fitted variance is the working one
sites.py             Differences between arms in a trial within sites
slope_likelihood.py  The restricted likelihood of a model whose level and slope vary over groups
stepped_wedge.py     Stepped-wedge trials
wedge_rollout.py     When the clusters of a stepped-wedge trial cross over, and whether it is one
"""
