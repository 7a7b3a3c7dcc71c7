"""Series of areas before and after, with and without: from the table to what may be said.

declared_faults.py   What is wrong in a declaration of series
calendar.py          Days and numbers as the periods of a series, numbered, and their names
table.py             The series table: what it must hold, and its typed form
starting.py          When each area starts, and whether the series allow a comparison
rows.py              The rows of one indicator, and which were left out
records.py           What was found of one outcome
trends.py            Whether trends differed before the start
compared.py          Differences in differences, and roll-outs
interrupted.py       Interrupted series, with and without a comparison; synthetic controls
described.py         What came in, before any result is looked at
results.py           Every outcome of a design of areas: estimated, checked, rated
checks.py            How it went, for the level
words.py             What may be said of it
"""
