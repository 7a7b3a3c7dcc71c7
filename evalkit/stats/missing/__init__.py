"""Who was lost and what is missing, and what that does to the answer.

answering.py          Signs of answers given without reading: the same throughout, or impossible speed
attrition_bias.py     The bias that loss of a given size could bring, by a simple model of who answers
attrition_weights.py  Weights that let those seen again stand for everybody assigned
bound_rows.py         Everybody assigned, with an outcome or without: the rows bounds are made of
bounds_interval.py    The interval of an effect between two estimated bounds
inverse_weights.py    Weights by the inverse of the chance of being seen: the numbers
lee.py                Lee's bounds on an effect when some outcomes were lost
lee_bootstrap.py      Standard errors of Lee's bounds by redrawing people or clusters
lee_results.py        The results of Lee's bounds
lee_trimming.py       Lee's trimming of one cell and of cells together, and each row's influence
little.py             Little's test of values missing completely at random
normal_moments.py     Means and covariances of incomplete numbers by maximum likelihood (EM)
patterns.py           Which values are missing together
response.py           Whether being observed depends on who a person is, and differently by arm
response_model.py     Each person's chance of being seen again, by logistic regression
response_study.py     The logistic model of who was observed: its rows, columns and fit
returns_needed.py     How many more people must be reached for loss to lie inside a boundary
stayers.py            Baseline means of those who stayed and those who were lost, by arm
wave_patterns.py      Who drops out for good and who comes back, over ordered waves
weighted_returns.py   The difference weighted for loss, its error knowing that weights are estimated
worst_case.py         Bounds with everybody lost at one end of the scale or the other
"""
