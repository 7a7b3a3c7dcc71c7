"""Measures as data: what one is, what can be wrong with it, its card, its search.

card.py          A measure on one page of plain text
checks.py        What can be wrong with a measure file: its shape, and whether its parts agree
draft.py         A measure file written from a few answers: what evalkit measures new asks for
examples.py      Whether a measure's worked examples come out as stated
parts.py         The facts a measure file states beside its scales: sources, licence, items, norms, flags
scale.py         A scale as data: what it is made from, how, its missing rule, rounding, range and bands
scale_checks.py  What can be wrong with the scales of a measure
search.py        Find measures: by words, who answers, age, licence, kind and use
spec.py          What a measure is: items, scales, bands, norms, sources and licence, as frozen records
"""
