"""Effects at a threshold of a score.

bandwidths.py             How near the threshold to look: the bandwidth with the least mean squared error
discontinuity.py          The effect where a programme is given by a score
discontinuity_results.py  What regression discontinuity returns, and looks at other cut-offs and widths
jumps.py                  The jump of two local polynomials where they meet, with its robust error
local_polynomial.py       Polynomials fitted near a threshold, on one side of it
score_density.py          Whether people crowd on one side of a threshold
score_rows.py             The rows on either side of a threshold
"""
