"""How strong a hidden bias would have to be to change what a comparison says.

benchmarks.py         Bounds on hidden confounding, by comparison with measured covariates
confounding.py        A hidden factor and an estimate with a robust or clustered standard error
e_values.py           Hidden confounding on the scale of risk ratios
left_out.py           The estimate with each group of rows left out
omitted_variables.py  What an omitted variable of a given strength does to a regression coefficient
pair_bounds.py        Hidden bias in matched pairs
proportional.py       Selection on unmeasured against selection on measured covariates
together.py           Loss and hidden confounding together
walsh.py              Order statistics of the averages of pairs, without forming them
"""
