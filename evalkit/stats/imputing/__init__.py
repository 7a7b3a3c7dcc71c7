"""Multiple imputation, pooling, and what stands when missing values are not as imputed.

asked_waves.py            What a call on people at several waves names
category_draws.py         Draw categories from logistic models
chained.py                Multiple imputation by chained equations
cluster_draws.py          Draw a numeric column of people in clusters
cluster_means.py          Means over the people of a cluster
completed_frames.py       Put drawn values into a copy of the frame
equation_chain.py         One chain of chained equations in one arm
imputed_columns.py        Columns as chained equations see them
imputing_arms.py          Prepare each arm for its chains
imputing_notes.py         What an imputation says about itself
linear_draws.py           Draw a numeric column, by its model or by matching
pooled_tests.py           Tests of several parameters at once over imputations: D1, D2 and D3
pooling.py                Pool one estimate over imputations by Rubin's rules
pooling_scales.py         Pool ratios, proportions and correlations, each on the scale that suits it
predictor_choice.py       Which columns predict which
reference_based.py        Reference-based imputation of an outcome measured at several waves
reference_differences.py  Differences between arms under every reference-based strategy
reference_draws.py        The waves of everybody filled in under each strategy
steady_algebra.py         Products and roots that no number of threads changes
strategies.py             What is assumed of treated people after they are last seen
tipping.py                How far imputed outcomes would have to be off for a finding to go
tipping_curve.py          How a pooled difference moves as imputed values are shifted
tipping_results.py        The result of a tipping-point analysis
tipping_sentences.py      What tipping points mean, in words and figures
tipping_study.py          The completed data a tipping analysis shifts
wave_draws.py             Draws of means, covariance and missing waves from their posterior
wave_people.py            People by waves, and who is seen until when
"""
