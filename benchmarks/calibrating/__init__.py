"""Do default intervals hold the truth as often as they say? Parts of benchmarks/calibration.py.

`trials` makes data with a stated truth, `methods` names the calls, `cells` is the table of what is
simulated, `runs` simulates it, `reasons` says why a cell is off and what to do, `page` writes it.
"""
