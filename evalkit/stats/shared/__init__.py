"""What every estimator reads its rows and columns with.

analysed_rows.py    The rows a comparison of two arms can use
arm_clusters.py     Degrees of freedom of a sandwich variance from few clusters, counted by arm
arm_rows.py         The rows a comparison of several arms can use
balance_rows.py     How alike two arms are, a row for each covariate
columns.py          Read the columns a call names
design_matrix.py    Turn columns into a design
intervals.py        The t interval of one coefficient, in outcome units and as an effect size
level_columns.py    The columns of a covariate: itself, or one for each level
model_rows.py       The rows a regression uses
regression_rows.py  The rows a least-squares model can use
"""
