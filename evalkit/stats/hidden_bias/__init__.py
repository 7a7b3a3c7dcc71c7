"""How strong a hidden bias would have to be to change what a comparison says.

benchmarks.py         Bounds on hidden confounding, by comparison with measured covariates
e_values.py           Hidden confounding on the scale of risk ratios
omitted_variables.py  What an omitted variable of a given strength does to a regression coefficient
pair_bounds.py        Hidden bias in matched pairs
proportional.py       Selection on unmeasured against selection on measured covariates
walsh.py              Order statistics of the averages of pairs, without forming them
"""
