"""Series of one area or a few, before and after a programme starts.

donor_weights.py        Weights of donors that add up to one, by least squares
interrupted.py          A series interrupted by a programme
periods.py              The periods of a series: equally spaced, none twice, gaps known
serial.py               Serial correlation: Newey-West, tests, and an autoregression as a check
series_model.py         An interrupted series as fitted: terms, effects by period, points
series_results.py       What an interrupted series shows
series_rows.py          The columns of an interrupted series' model
series_words.py         What is said of an interrupted series
synthetic.py            One treated area against a weighted mixture of others
synthetic_panel.py      The areas by periods table a synthetic control reads
synthetic_results.py    What a synthetic control shows
"""
