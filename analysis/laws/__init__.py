"""Laws: which rows, the exponent with its interval, its tests, and what may be said of it."""
