"""The same people at several waves.

estimating_equations.py  Generalised estimating equations
growth.py                Differences between arms in how fast an outcome changes
wave_design.py           The design of people seen at several waves
wave_models.py           Models of people seen at several waves
wave_results.py          Results of people seen at several waves
wave_rows.py             Rows of people seen at several waves
waves.py                 Differences between arms at each wave, of people seen more than once
working_correlation.py   Working correlations of answers within a subject
"""
