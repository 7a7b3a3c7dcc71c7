"""The declared analysis run on many made trials.

diagnosis.py  How a declared plan would do
operating.py  From many analysed trials to what a plan can and cannot show, with Monte-Carlo errors
words.py      What many made trials say of a plan, in words for those who will run it
"""
