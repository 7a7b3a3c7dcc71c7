"""Who gets which arm, and the log that shows when somebody has bent it.

check.py  Read an allocation log as it lies there and say, line by line, what is wrong with it
log.py    The log of an allocation: append-only lines that show when somebody has bent them
rule.py   How units are allocated: the rule, the units it is used on, and what it gives them
seal.py   What an allocation log's seed makes: a commitment, links of the chain, the sealed rule
units.py  The units to allocate, read from a table, with every fault found, and what is new among them
"""
