"""Inference by re-randomising and resampling.

assignments.py          Who could have been in which arm
bootstrap_draws.py      What a bootstrap draws from
bootstrap_intervals.py  Intervals from bootstrap draws
bootstrap_study.py      The rows that a bootstrap resamples, made ready
bootstrap_sums.py       The (adjusted) difference and Hedges' g of many resamples at once
bootstrap_values.py     The statistic of every draw
max_t.py                Step-down by the largest t
reassigning.py          Assign again exactly as was randomised
rerandomising.py        Randomisation inference
resampling.py           The bootstrap
step_down.py            Step-down adjusted p-values for several outcomes
studentised.py          One treatment coefficient
trial_outcomes.py       The rows of a trial's outcome that randomisation tests and resampling work
wild_bootstrap.py       The wild cluster bootstrap
"""
