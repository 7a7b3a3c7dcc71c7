"""Who was lost, how many, why, and what their answers looked like before.

rates.py      By arm, site and unit of assignment, and against the boundary
who.py        How they differed at the start, what foretold it, whole families, and when
answers.py    Blanks and their reasons, patterns over waves, careless answers
returning.py  What the loss will be at the current rates of return
"""
