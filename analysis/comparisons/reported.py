"""The comparisons that every report makes: models at equal noise, or corruptions of one model."""

from __future__ import annotations

import pandas as pd

from analysis.comparisons.compare import compare_all
from analysis.comparisons.comparison import Comparison
from analysis.errors import AnalysisError
from analysis.sources.schema import param_columns

__all__ = ["CHOSEN_LATER", "reported_pairs", "reported_question"]

CHOSEN_LATER = "these comparisons were chosen after the run"  # any others than these


def reported_pairs(trials: pd.DataFrame) -> dict[str, tuple[Comparison, ...]]:
    """By field: all pairs of models by denoising error, or corruptions by the full bound.

    Empty if no two share a setting.
    """
    by, metric = reported_question(trials)
    try:
        return {by: tuple(compare_all(trials, by, [metric]))}
    except AnalysisError:
        return {}


def reported_question(trials: pd.DataFrame) -> tuple[str, str]:
    """By which field trials are compared, and in what."""
    corruptions = [
        name
        for name in param_columns(trials)
        if name.startswith("corruption_") and trials[name].nunique() > 1
    ]
    one = "model" in trials and trials["model"].nunique() == 1
    return (
        (corruptions[0], "test/elbo_full")
        if one and len(corruptions) == 1
        else ("model", "test/denoise")
    )
