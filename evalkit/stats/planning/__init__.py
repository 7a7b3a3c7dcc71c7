"""Plans of trials: power, allocation, interim looks.

allocation_counts.py  How many assignments a design allows, and how probable treatment is under them
allocation_keys.py    Allocation that anybody can derive again from a seed
constrained.py        Covariate-constrained randomisation
group_sequential.py   The joint distribution of a test statistic looked at again and again
interim.py            Read the looks at a running trial: go on, stop for benefit, or stop for harm
minimising.py         Pocock and Simon's minimisation, many runs at once
noncentral_power.py   How often a t or z test rejects
planning_factors.py   Factors that plans multiply sample sizes by: clusters, repeated measures, loss
power_clusters.py     Power of trials that assign whole clusters: all together, or within blocks
power_people.py       Power of trials that assign people: one by one, or within blocks
power_periods.py      Power of before and after: in one group, and differences in differences
power_risks.py        Power of trials with a yes-or-no outcome
power_solving.py      The record of a power calculation, and how the one quantity left out is found
power_wedge.py        Power of trials whose clusters start one step after another
randomising.py        Give units to arms from a seed
spending.py           Boundaries for interim looks: how much of the error rate may be spent by when
"""
