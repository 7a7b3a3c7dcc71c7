"""Effects of several sites or studies put together.

asymmetry.py      Whether small sites show other effects than large ones
block_model.py    A linear model of effects in clusters, its variances by restricted likelihood
dependent.py      Several effects of each site put together
heterogeneity.py  How much effects differ between sites: estimates of tau squared
meta.py           One average effect of several sites, and what a new site may expect
meta_results.py   What a meta-analysis found
meta_sites.py     The sites of a meta-analysis: their effects, variances, moderators and names
meta_words.py     What is said of a meta-analysis
pooled_tables.py  Two-by-two tables of several sites put together
weighted.py       Weighted least squares of effects with known variances
"""
