"""Families of trials: rows that differ in one axis and the seed only, with a readable name."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import pandas as pd

from analysis.sources.noise import noise_levels, with_noise
from analysis.sources.schema import SAID_BY_MODEL, SPLIT, param_columns
from analysis.wording import model_name, setting

__all__ = ["Family", "all_families", "families", "levels"]

_NOT_PARAMS = ("reason", "experiment_id", "artifact_uri")


@dataclass(frozen=True)
class Family:
    """Trials that may share one law; `label` is its name in plain text."""

    label: str
    rows: pd.DataFrame
    fields: dict[str, object]


def families(trials: pd.DataFrame, x: str) -> list[Family]:
    """Group the rows that have `x` by all parameters but x and the seed.

    The largest group comes first; of equally large ones that with the smallest values.
    """
    if x not in trials.columns:
        return []
    rows = trials[trials[x].notna()]
    varying = [column for column in _settings(rows, x) if _key(rows[column]).nunique() > 1]
    if rows.empty:
        return []
    if not varying:
        return [Family(model_name(rows["model"].iloc[0]), rows, {})]
    keys = [_key(rows[column]) for column in varying]
    groups = [group for _, group in rows.groupby(keys, sort=True)]
    groups.sort(key=lambda group: (-group[x].nunique(), -len(group), _place(group, varying)))
    named = _told_apart(groups, varying)
    return [
        _family(group, varying, named.get(str(group["model"].iloc[0]), set())) for group in groups
    ]


def all_families(trials: pd.DataFrame) -> list[tuple[str, Family]]:
    """Every family with its noise level: sigma, alpha ..., or "" for models without one."""
    found = [
        (level, family)
        for level in noise_levels(trials)
        for family in families(with_noise(trials, level), level)
    ]
    known = {trial for _, family in found for trial in family.rows["trial"]}
    rest = trials[~trials["trial"].isin(known)] if len(trials) else trials
    return [*found, *(("", family) for family in families(rest, "seed"))]


def levels(family: Family, x: str) -> int:
    """The number of values of `x` in a family; 1 for a family without a noise scale."""
    return int(family.rows[x].nunique()) if x else 1


def _settings(rows: pd.DataFrame, x: str) -> list[str]:
    skipped = {x, "seed", SPLIT, *_NOT_PARAMS}
    return [column for column in param_columns(rows) if column not in skipped]


def _key(column: pd.Series) -> pd.Series:
    """Values as text, so that lists and missing values can be grouped."""
    return column.map(lambda value: "" if value is None or value != value else str(value))


def _place(group: pd.DataFrame, varying: list[str]) -> tuple[tuple[int, float, str], ...]:
    """By the values of its fields, numbers as numbers: d_z = 2 before d_z = 10."""
    return tuple(_rank(group[column].iloc[0]) for column in varying)


def _rank(value: object) -> tuple[int, float, str]:
    if value is None or value != value:
        return 0, 0.0, ""
    return (1, float(value), "") if isinstance(value, Real) else (2, 0.0, str(value))


def _told_apart(groups: list[pd.DataFrame], varying: list[str]) -> dict[str, set[str]]:
    """By model, the fields in which its families differ; labels need no other fields."""
    heads = pd.concat([one.iloc[:1] for one in groups])
    return {
        str(model): {column for column in varying if _key(kin[column]).nunique() > 1}
        for model, kin in heads.groupby("model")
    }


def _family(rows: pd.DataFrame, varying: list[str], named: set[str]) -> Family:
    first = rows.iloc[0]
    fields = {column: first[column] for column in varying if first[column] == first[column]}
    names = [model_name(first["model"])]
    for column, value in fields.items():
        if column in named - {"model", *SAID_BY_MODEL} and not (column == "beta" and value == 1):
            names.append(setting(column, value))
    return Family(", ".join(names), rows, fields)
