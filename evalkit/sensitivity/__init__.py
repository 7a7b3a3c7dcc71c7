"""Each result again, with the people who were lost treated in other ways.

asked.py         Which treatments a result is shown under: those of the plan, and those added
completing.py    What is imputed for one result, and from what
imputed.py       Multiple imputation: the plan's own estimator on every completed trail, pooled
weighted.py      Those who answered weighted to stand for all
bounded.py       Lee's bounds and the worst case
by_reference.py  The lost taken to go on as the comparison does
tipping.py       How much worse the lost would have to have done
results.py       Every result under each of them, and what that changes
records.py       What comes back
words.py         What is said of it
"""
