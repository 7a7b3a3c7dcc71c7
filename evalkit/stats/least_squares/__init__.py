"""Differences by least squares with robust variances, and what is built on them.

block_means.py       Differences in means by the design of the assignment
compliance.py        The effect of taking a programme up
differences.py       Differences between arms, by least squares
dosage.py            The effect of each unit of a programme received
instrumented.py      What effects with assignment as an instrument return alike
joint_tests.py       Tests of several coefficients at once, by robust variances in small samples
linear.py            Least squares with robust variances
robust.py            Cluster-robust variances and their Satterthwaite degrees of freedom
several_arms.py      Differences between each two of several arms
simultaneous.py      P-values and intervals for several t statistics at once
subgroup_members.py  Who is in which subgroup of a trial
subgroup_results.py  What a subgroup analysis returns
subgroups.py         Whether an effect differs between groups of people
two_stage.py         Two-stage least squares with one instrument
"""
