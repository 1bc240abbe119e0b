"""The errors that `analysis` raises for a user; each message gives the rule and the remedy."""

from __future__ import annotations

__all__ = [
    "AnalysisError",
    "LoadError",
    "MixedRows",
    "NoAnswer",
    "NotComparable",
    "NotStored",
    "TooFewRows",
    "UnknownName",
    "UnusableValues",
]


class AnalysisError(Exception):
    """Base of all errors that `analysis` raises on purpose: one clear sentence each."""


class LoadError(AnalysisError):
    """An experiment that cannot be found or read."""


class NotStored(LoadError):
    """A storage that has no such experiment, or is not there: it may come yet."""


class NoAnswer(LoadError):
    """A tracking server that does not answer, or whose answer is incomplete."""


class UnknownName(AnalysisError):
    """A column, table or metric that does not exist; the message lists the known names."""


class MixedRows(AnalysisError):
    """Rows that differ in fields other than those that the fit allows; the message names them."""


class NotComparable(AnalysisError):
    """Numbers that cannot be compared, such as `elbo` at two noise levels."""


class TooFewRows(AnalysisError):
    """Too few rows, values of x or seeds for the question asked."""


class UnusableValues(AnalysisError):
    """NaN, zero or negative values where a logarithm is needed."""
