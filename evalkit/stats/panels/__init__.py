"""Units followed through periods while a programme is rolled out.

absorbing.py              Take unit and period effects out of columns, exactly
adoption.py               When each unit's treatment starts, and whether it ever stops
bands.py                  Critical values of bands that hold for every estimate at once
cell_models.py            The outcome and propensity models of one group in one period
cells.py                  The effect on one group in one period, from units' changes
cross_sections.py         The same from repeated cross-sections
event_regressions.py      Event studies by regression: two-way, and interaction-weighted
fixed_effects.py          Two-way fixed effects, with the warning that goes with them
forbidden_comparisons.py  What a two-way fixed-effects estimate is made of
group_time.py             Effects by group and period of a staggered roll-out
group_time_cells.py       Each group and period in turn: who is compared with whom
group_time_results.py     What they add up to: overall, by group, by period, by time since
group_time_words.py       What is said beside them: the method, and what limits it
panel_intervals.py        Errors, intervals and bands from the influence of units
panel_results.py          The records of effects in panels
panel_rows.py             The rows that a model with unit and period effects can use
pretrends.py              Whether trends differed before, and how large a difference would be seen
roll_out.py               The rows of a roll-out that can be used, and how many were left out
roll_out_records.py       What a call on a roll-out names, and the rows it comes down to
status_rows.py            A balanced panel as units by periods, with each unit's start
summaries.py              Weighted averages of effects by group and period, with their influence
two_by_two.py             Two groups, before and after: the difference in their changes
two_by_two_rows.py        The rows of two groups in two periods that can be used
within_fit.py             Least squares with unit and period effects taken out
"""
