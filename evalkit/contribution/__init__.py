"""What is described and not credited.

links.py      Every link of the theory beside what was seen of its end
seen.py       The change seen in an arm
delivered.py  Who got the programme, and how much
by_itself.py  The change that comes without any programme
records.py    What comes back
words.py      What is said of it
"""
