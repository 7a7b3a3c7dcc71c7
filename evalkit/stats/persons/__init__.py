"""Change person by person.

change_arguments.py   The arguments of a judgement person by person, read and checked
change_indices.py     What a person's change is measured with
change_results.py     What a judgement person by person returns
clinical_cutoffs.py   Clinical cut-offs: the two populations, and the score between them
individual_change.py  Change person by person
status_rates.py       How many people have each status, on the denominators that can be defended
"""
