"""Each result again, with what a hidden difference between the groups could do to it.

asked.py       Which analyses a result is put to
cases.py       What a result rests on, and the same study planned otherwise
yardsticks.py  Known covariates as yardsticks for what nobody measured
strength.py    How strong a hidden factor would have to be
controls.py    Where no difference should be
choices.py     Whether the result hangs on one site, one covariate or one choice
joint.py       Loss and hidden factors together
results.py     Every result put to all of them
records.py     What comes back
words.py       What is said of it
"""
