"""Any two groups of trials: difference with interval, effect size, Holm correction over many.

Example::

    compare(trials, Groups({"model": "sigma_vae"}, {"model": "alpha_vae"}), ["test/denoise"])

Each setting that both groups have (a σ, a network) is compared on its own: paired over the seeds
that both have, by Welch's interval where seeds are disjoint. Splits of the data repeat a setting,
as seeds do: each seed counts once, with its mean over the splits of both groups. Over all settings
and metrics p values are corrected by Holm's method, and intervals hold at once (Bonferroni). The p
value decides: Holm's method may tell two apart whose simultaneous interval still holds zero.

A field that is one value in each group and another in the other (DEEN's network) cannot be told
from the groups: every sentence names it. Noise levels, β and data must be equal; a model without
β counts as at β = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import pandas as pd

from analysis.comparisons.comparison import Comparison, Groups
from analysis.comparisons.side_by_side import (
    at_beta_one,
    by_seed,
    common_settings,
    on_common_splits,
    setting_fields,
)
from analysis.errors import AnalysisError, NotComparable, TooFewRows
from analysis.sources.comparable import (
    noise_fields,
    require_comparable,
    require_equal_noise,
    require_one_noise,
    require_one_unit,
)
from analysis.sources.rows import matching, require_column, require_metric, require_value, settled
from analysis.sources.schema import SPLIT
from analysis.statistics.contrast import seed_contrast
from analysis.statistics.multiplicity import places
from analysis.training.verdicts import Trained
from analysis.wording import listed, quantity, symbol

__all__ = ["compare", "compare_all", "compare_sides", "in_family"]

MOST_GROUPS = 12


def compare(
    trials: pd.DataFrame, groups: Groups, metrics: Sequence[str], level: float = 0.95
) -> list[Comparison]:
    """Every metric at every setting that both groups have.

    Errors: UnknownName for a field, value or metric that no trial has; NotComparable for `elbo`
    or `denoise` between noise levels, for `recon` or `denoise` in two units, and between a σ and
    an α that the groups do not name; TooFewRows without a common setting;
    MixedRows if a group has several rows of one seed at a setting; UnusableValues for NaN.
    """
    found = _compared(trials, groups, metrics, level)
    if not found:
        for name, value in (*groups.first.items(), *groups.second.items()):
            require_value(trials, name, value)
        raise TooFewRows(
            f"the groups ({groups.labels[0]}) and ({groups.labels[1]}) have no "
            "finished trials at a setting in common"
        )
    return in_family(found)


def compare_all(
    trials: pd.DataFrame, by: str, metrics: Sequence[str], level: float = 0.95
) -> list[Comparison]:
    """Every pair of values of the field `by`, in order, with one Holm correction over all.

    Pairs are left out that have no setting in common, lack a metric, cannot be compared (σ-VAE
    and α-VAE, whose noise levels are of two kinds), or have several trials of one seed at a
    setting. Errors: as `compare`; if no pair is left, the reason of the last one that cannot be
    compared, or TooFewRows; TooFewRows with more than twelve values.
    """
    require_column(trials, by)
    values = sorted(
        settled(trials, set())[by].dropna().unique(), key=lambda one: (isinstance(one, str), one)
    )
    if len(values) > MOST_GROUPS:
        raise TooFewRows(
            f"{symbol(by)} has {len(values)} values, too many to compare all pairs; "
            "name two groups"
        )
    found: list[Comparison] = []
    refused: NotComparable | None = None
    for first, second in combinations(values, 2):
        for metric in metrics:
            require_metric(trials, metric)
            known = trials[trials[metric].notna()]
            try:
                found += _compared(known, Groups({by: first}, {by: second}), [metric], level)
            except TooFewRows:
                continue
            except NotComparable as reason:
                refused = reason
    if not found:
        raise refused or TooFewRows(
            f"no two values of {symbol(by)} have {listed(map(quantity, metrics))} at a setting in "
            "common"
        )
    return in_family(found)


def _compared(
    trials: pd.DataFrame, groups: Groups, metrics: Sequence[str], level: float
) -> list[Comparison]:
    for name in metrics:
        require_metric(trials, name)
    for name in (*groups.first, *groups.second):
        require_column(trials, name)
    rows = settled(trials, {*groups.first, *groups.second})
    sides = (rows[matching(rows, groups.first)], rows[matching(rows, groups.second)])
    if sides[0].index.intersection(sides[1].index).size:
        raise AnalysisError(
            f"the groups ({groups.labels[0]}) and ({groups.labels[1]}) share "
            "trials; they must exclude each other"
        )
    if sides[0].empty or sides[1].empty:
        return []
    require_one_noise(sides, {*groups.first, *groups.second})
    sides = (at_beta_one(sides[0], sides[1]), at_beta_one(sides[1], sides[0]))
    for metric in metrics:
        require_one_unit(metric, pd.concat(sides))
    fields, also = setting_fields(sides, groups)
    found = []
    named = SPLIT in {*groups.first, *groups.second}
    for setting, first, second in common_settings(sides, fields):
        both = (first, second) if named else on_common_splits((first, second))
        for metric in metrics if len(both[0]) else ():
            require_comparable(metric, noise_fields(pd.concat(both)))
            require_equal_noise(metric, pd.concat(both))
            one = compare_sides(metric, groups, setting, both, level)
            found.append(replace(one, also=also))
    return found


def compare_sides(
    metric: str,
    groups: Groups,
    setting: dict[str, object],
    sides: tuple[pd.DataFrame, pd.DataFrame],
    level: float = 0.95,
) -> Comparison:
    """One metric of two groups of rows at one setting, without a correction for other tests."""
    both = seed_contrast(
        *(by_seed(side, metric, label) for side, label in zip(sides, groups.labels, strict=True))
    )
    return Comparison(
        metric,
        groups.labels,
        setting,
        both.n,
        (float(both.first.mean()), float(both.second.mean())),
        both.difference(level),
        both.effect(level),
        paired=both.paired,
        seeds=both.seeds,
        training=Trained.of_rows(pd.concat(sides)),
        splits=min(side[SPLIT].nunique() if SPLIT in side else 1 for side in sides),
    )


def in_family(found: Sequence[Comparison]) -> list[Comparison]:
    """Holm's p values and simultaneous intervals over all of `found`."""
    family = places([one.p for one in found])
    return [one.placed(place) for one, place in zip(found, family, strict=True)]
