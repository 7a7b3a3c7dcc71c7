"""What could be shown, worked out before any data exist.

designs.py  What a team has, and the power that each design would have with it
facts.py    What the registry knows of a measure that a plan must respect
inputs.py   What a team typed in, checked all at once, and what a declared evaluation adds to it
rows.py     What could be shown, before any data exist: each design's power with what a team has
words.py    The words of what could be shown: plain English beside every number
"""
