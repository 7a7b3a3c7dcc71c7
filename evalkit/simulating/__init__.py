"""Tables of made people with a known truth.

answers.py      From made people to what they answer
assumptions.py  What a simulated trial takes for granted
items.py        Item answers of made people
people.py       Made people of a declared trial
simulation.py   Tables of made people with a known truth, of the structure that an evaluation declares
tables.py       The tables that made people leave behind
truth.py        The truth of a simulated trial: what the programme does to the people who are in it
"""
