"""Estimates, tests and corrections: the only folder of `analysis` that calls statsmodels.

Each function takes arrays of numbers and returns an `Estimate` or a p value; none knows what a
trial is. What statsmodels does not guard against is guarded here: too few values give NaN, and
values that differ by rounding alone prove nothing.
"""
