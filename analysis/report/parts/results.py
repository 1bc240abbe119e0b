"""The metrics of every setting, and which settings do best at the strongest noise."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.comparisons.goals import better
from analysis.figures.drawing.curves import SETTING, setting_name, trial_settings
from analysis.figures.drawing.view import View
from analysis.report.json_text import records
from analysis.report.part import Block, Part, Statement
from analysis.sources.rows import over_splits
from analysis.sources.schema import SPLIT
from analysis.statistics.means import mean_estimate
from analysis.training.verdicts import Trained
from analysis.wording import number, quantity

__all__ = ["part", "results_frame"]

METRICS = ("test/kl", "test/recon", "test/denoise", "test/elbo_full")
_OPEN, _SHOWN = 12, 200
_CONVENTIONS = (
    "KL and ELBO in nats per example; errors in squared data units per example, the "
    "reconstruction of Laplace models in absolute ones, and denoising at each model’s own noise "
    "(0.1 where it has none)."
)
_NOISY = re.compile(r"(?P<measure>denoise|accuracy)/(?P<noise>\w+)/(?P<level>[\d.e+-]+)")
_MEASURES = {
    "denoise": "Error after the strongest noise, least and most",
    "accuracy": "Accuracy after the strongest noise, most and least",
}
_NOISES = {"gaussian": "Gaussian", "laplace": "Laplace", "salt_and_pepper": "salt and pepper"}


def part(view: View) -> Part:
    """The settings that remove strong noise best, and a table of all settings."""
    frame, noisy = results_frame(view), _strongest_noise(view)
    return Part(
        order=60,
        statements=noisy,
        answer=" ".join(one.text for one in noisy[:1]),
        blocks=list(_blocks(frame, view.choice.most if view.choice else 1)),
        numbers={"results": records(frame)},
    )


def results_frame(view: View) -> pd.DataFrame:
    """One row a setting: setting, n, and mean, low and high of each metric that it has."""
    trials = view.finished
    metrics = [name for name in METRICS if name in trials and trials[name].notna().any()]
    if trials.empty or not metrics:
        return pd.DataFrame()
    kept = ["trial", "seed", *({SPLIT} & set(trials)), *metrics]
    joined = trial_settings(view).merge(trials[kept], on="trial")
    rows, family = [], view.choice.most if view.choice else 1
    for _, setting in joined.groupby(SETTING, dropna=False, sort=False):
        group = over_splits(setting, metrics)
        found: dict[str, object] = {"setting": setting_name(group.iloc[0]), "n": len(group)}
        for name in metrics:
            values = group[name].to_numpy(dtype=np.float64)
            if np.isfinite(values).all():
                mean = mean_estimate(values, "t", 0.95).simultaneous(family)
                found |= {name: mean.value, f"{name}_low": mean.low, f"{name}_high": mean.high}
        rows.append(found)
    return pd.DataFrame(rows)


def _blocks(frame: pd.DataFrame, family: int) -> Iterator[Block]:
    """The table, folded if it is long; nothing without finished trials.

    family: among how many values each setting's was chosen.
    """
    if frame.empty:
        return
    metrics = [name for name in METRICS if name in frame]
    content = {
        "columns": [quantity(name) for name in metrics],
        "rows": [
            {
                "setting": row["setting"],
                "n": row["n"],
                "reached": [_spread(row, name) for name in metrics],
            }
            for _, row in frame.head(_SHOWN).iterrows()
        ],
        "units": _CONVENTIONS,
        "chosen": family > 1,
        "at_once": 1,
    }
    yield Block(
        "results",
        "results.html",
        "What each setting reached",
        content,
        "results",
        frame,
        folded=len(frame) > _OPEN,
    )


def _spread(row: pd.Series, name: str) -> str:
    if pd.isna(row[name]):
        return ""
    half = (row[f"{name}_high"] - row[f"{name}_low"]) / 2
    return number(row[name], 4) + (f" ± {number(half, 2)}" if math.isfinite(half) else "")


def _strongest_noise(view: View) -> list[Statement]:
    """Sentences on the best and worst settings at the strongest noise of each kind."""
    if view.finished.empty:
        return []
    joined = trial_settings(view).merge(view.finished, on="trial", suffixes=("_of", ""))
    told = []
    for measure, words in _MEASURES.items():
        ends = [one for name in _strongest(joined, measure) if (one := _ends(joined, name))]
        if ends:
            told.append(Statement(f"{words}: {'; '.join(ends)}.{_untested(joined)}"))
    return told


def _strongest(joined: pd.DataFrame, measure: str) -> Iterator[str]:
    """The metric of the highest level of each noise."""
    highest: dict[str, tuple[float, str]] = {}
    for name in map(str, joined.columns):
        found = _NOISY.fullmatch(name)
        if found and found["measure"] == measure:
            here = (float(found["level"]), name)
            highest[found["noise"]] = max(highest.get(found["noise"], here), here)
    yield from (name for _, name in highest.values())


def _ends(joined: pd.DataFrame, metric: str) -> str:
    """The best and the worst setting by their means; nothing if there is one setting only."""
    rows = joined[joined[metric].notna()]
    named = [
        (group.iloc[0], float(group[metric].mean()))
        for _, group in rows.groupby(SETTING, dropna=False, sort=False)
    ]
    alone = len({row["family"] for row, _ in named}) == len(named)
    means = {row["family"] if alone else setting_name(row): mean for row, mean in named}
    if len(means) < 2:
        return ""
    best, *_, worst = sorted(means, key=means.__getitem__, reverse=better(metric) == "max")
    if means[best] == means[worst]:
        return ""
    _, noise, level = metric.split("/")
    return (
        f"{_NOISES.get(noise, noise)} {level}: {best} "
        f"({number(means[best])}), {worst} ({number(means[worst])})"
    )


def _untested(joined: pd.DataFrame) -> str:
    least = joined.groupby(SETTING, dropna=False)["trial"].count().min()
    training = Trained.of_rows(joined)
    after = f" after {training.length}" if training.verdict else ""
    return (
        f" Some settings have one seed, so the order{after} is not tested."
        if least < 2
        else f" This is the order as measured{after}; sweeper compare tests pairs."
    )
