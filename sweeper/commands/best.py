"""`sweeper best`: the best setting of an experiment, its trials, and how to go on with it."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING, Any

from sweeper.commands.rank import add_choice, ranked
from sweeper.commands.shared import add_experiment, add_json
from sweeper.terminal.screen import console, print_bullets, print_json

if TYPE_CHECKING:
    import pandas as pd

    from analysis.comparisons.ranking import Ranking

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "best"
EXAMPLE = "sweeper best my-experiment"
HELP = "show the best setting with its trials, by a metric of the validation part"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_experiment(parser)
    add_choice(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    trials, found = ranked(arguments)
    rows = _rows(trials, found)
    if arguments.json:
        told = found.to_json()
        print_json(
            {
                "experiment": arguments.experiment,
                **{name: told[name] for name in ("metric", "mode", "beside", "sentence")},
                "setting": {name: told["settings"][0][name] for name in found.fields},
                "claimed": found.claims,
                "trials": [_plain(row, found) for _, row in rows.iterrows()],
            }
        )
        return 0
    screen = console()
    print_bullets(screen, [found.sentence()])
    screen.print()
    for _, row in rows.iterrows():
        value = f"{found.metric} {row[found.metric]:.6g}"
        screen.print(f"{row['trial'][:8]}  {row['label']}  {value}", markup=False, soft_wrap=True)
    if arguments.tracking is None:
        elsewhere = () if arguments.storage == "sweeps" else ("--storage", arguments.storage)
        command = shlex.join(["sweeper", "sample", rows["trial"].iloc[0][:8], *elsewhere])
        screen.print(f"\nits samples: {command}", markup=False, soft_wrap=True)
    return 0


def _rows(trials: pd.DataFrame, found: Ranking) -> pd.DataFrame:
    """The finished trials of the first setting, by seed."""
    from analysis.sources.rows import settled

    rows, first = settled(trials, set()), found.table.iloc[0]
    for name in found.fields:
        same = rows[name].isna() if first[name] != first[name] else rows[name] == first[name]
        rows = rows[same]
    return rows[rows[found.metric].notna()].sort_values("seed")


def _plain(row: pd.Series, found: Ranking) -> dict[str, Any]:
    return {
        "trial": row["trial"],
        "label": row["label"],
        "seed": int(row["seed"]),
        **{name: float(row[name]) for name in (found.metric, found.beside) if name},
    }
