"""What two groups of trials have in common: the settings at which they stand side by side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.comparisons.comparison import Groups
from analysis.errors import TooFewRows, UnusableValues
from analysis.sources.noise import noise_levels
from analysis.sources.rows import over_splits
from analysis.sources.schema import SAID_BY_MODEL, SPLIT, param_columns
from analysis.wording import quantity

__all__ = ["at_beta_one", "by_seed", "common_settings", "on_common_splits", "setting_fields"]

EQUAL = ("beta", "data", "corruption")


def at_beta_one(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """`rows`; if none has a β (DEEN), they stand beside the others at β = 1, if there are any."""
    if "beta" in rows and rows["beta"].isna().all() and (others["beta"] == 1).any():
        return rows.assign(beta=1.0)
    return rows


def setting_fields(
    sides: tuple[pd.DataFrame, pd.DataFrame], groups: Groups
) -> tuple[list[str], tuple[str, ...]]:
    """The fields that make a setting, and those that differ as the groups do.

    A field that one side does not have at all (DEEN has no β) is neither, nor are seed and split
    of the data, by which a setting is repeated.
    """
    apart = {*groups.first, *groups.second, "seed", SPLIT}
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
    noise = noise_levels(both)
    also = tuple(
        name
        for name in varied
        if name not in noise
        and name.split("_")[0] not in EQUAL
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


def on_common_splits(
    sides: tuple[pd.DataFrame, pd.DataFrame],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the splits of the data that both sides have; all rows if a side has none."""
    if not all(SPLIT in side and side[SPLIT].notna().all() for side in sides):
        return sides
    first, second = (side[SPLIT] for side in sides)
    return sides[0][first.isin(second)], sides[1][second.isin(first)]


def by_seed(rows: pd.DataFrame, metric: str, label: str) -> pd.Series[float]:
    """`metric` by seed, the mean over its splits of the data; rows without seeds get numbers that
    no other rows have.

    Errors: UnusableValues for NaN; TooFewRows for several rows of one seed.
    """
    values = rows[metric].to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise UnusableValues(
            f"{quantity(metric)} is missing or not finite in "
            f"{int((~np.isfinite(values)).sum())} of {len(values)} trials of "
            f"({label}); leave them out or train them again"
        )
    if "seed" not in rows or rows["seed"].isna().any():
        return pd.Series(values, index=[f"row {at}" for at in rows.index])
    if rows.duplicated(["seed", *([SPLIT] * (SPLIT in rows))]).any():
        raise TooFewRows(
            f"({label}) has several trials of one seed at one setting; name what "
            "tells them apart in the group"
        )
    rows = over_splits(rows, [metric])
    return pd.Series(rows[metric].to_numpy(dtype=np.float64), index=rows["seed"].tolist())
