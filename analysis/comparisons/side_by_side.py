"""What two groups of trials have in common: the settings at which they stand side by side."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.comparisons.comparison import Groups
from analysis.sources.schema import SAID_BY_MODEL, param_columns

__all__ = ["at_beta_one", "common_settings", "setting_fields"]

EQUAL = ("sigma", "alpha", "beta", "data", "corruption")


def at_beta_one(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """`rows`; if none has a β (DEEN), they stand beside the others at β = 1, if there are any."""
    if "beta" in rows and rows["beta"].isna().all() and (others["beta"] == 1).any():
        return rows.assign(beta=1.0)
    return rows


def setting_fields(
    sides: tuple[pd.DataFrame, pd.DataFrame], groups: Groups
) -> tuple[list[str], tuple[str, ...]]:
    """The fields that make a setting, and those that differ as the groups do.

    A field that one side does not have at all (DEEN has no β) is neither.
    """
    apart = {*groups.first, *groups.second, "seed"}
    if "model" in apart:
        apart |= set(SAID_BY_MODEL)
    both = pd.concat(sides)
    varied = [
        name
        for name in param_columns(both)
        if name not in apart
        and both[name].nunique(dropna=False) > 1
        and all(side[name].notna().any() for side in sides)
    ]
    also = tuple(
        name
        for name in varied
        if name.split("_")[0] not in EQUAL
        and all(side[name].nunique(dropna=False) == 1 for side in sides)
    )
    return [name for name in varied if name not in also], also


def common_settings(
    sides: tuple[pd.DataFrame, pd.DataFrame], fields: list[str]
) -> Iterator[tuple[dict[str, object], pd.DataFrame, pd.DataFrame]]:
    """Each setting that both sides have, with its rows on either side."""
    if not fields:
        yield {}, *sides
        return
    split = [dict(iter(side.groupby(fields, dropna=False))) for side in sides]
    texts = [{repr(key): rows for key, rows in one.items()} for one in split]
    for key, rows in texts[0].items():
        if key in texts[1]:
            yield {name: rows[name].iloc[0] for name in fields}, rows, texts[1][key]
