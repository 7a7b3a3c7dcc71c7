"""What does losing people do to an answer, method by method? Parts of benchmarks/missing.py.

`trials` makes trials with a stated effect and loses people, `methods` is what is done about them,
`runs` simulates, `readings` says in plain words what each row shows, `page` writes it.
"""
