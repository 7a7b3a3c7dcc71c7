"""Each result site by site, and put together.

records.py   What was found of one result over several sites
results.py   Effects by site, their average, what goes with their differences
words.py     Whether it worked alike everywhere, in a sentence
"""
