"""How well something is measured, and how far people agree.

consistency_results.py   What a look at a scale's items returns
informants.py            Two informants on the same people
internal_consistency.py  How far the items of a scale hang together on one's own data
intraclass.py            Intraclass correlations
item_answers.py          The answers to the items of one scale, read from a frame
kappas.py                Agreement beyond chance from a table of two raters
one_factor.py            One factor behind several items
paired.py                Two numbers a person
regression_to_mean.py    The change that comes without any programme, from first scores
stability.py             The same people measured twice without change between
yes_no.py                Two informants who each say yes or no
"""
