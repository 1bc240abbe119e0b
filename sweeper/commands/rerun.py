"""`sweeper rerun`: train a trial again, and compare it bit for bit with what is stored."""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from sweeper.commands.shared import add_json, add_trial
from sweeper.terminal.screen import busy, console, print_json

if TYPE_CHECKING:
    from sweeper.driver.rerun import Repetition

__all__ = ["EXAMPLE", "HELP", "NAME", "add_arguments", "run"]

NAME = "rerun"
EXAMPLE = "sweeper rerun sigma=0.15 seed=0"
HELP = "train a trial again and compare every metric bit for bit; changes nothing"
SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_trial(parser)
    parser.add_argument(
        "--storage",
        metavar="DIR",
        default="sweeps",
        help="storage folder that holds the trial (default: ./sweeps)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from sweeper.driver.rerun import rerun
    from sweeper.storage.addresses import storage_path

    with busy("training it again"):
        found = rerun(storage_path(arguments.storage), " ".join(arguments.trial))
    if arguments.json:
        print_json(asdict(found) | {"identical": found.identical})
    else:
        _show(found)
    return 0 if found.identical else 1


def _show(found: Repetition) -> None:
    lines = [f"{found.label} ({found.trial})"]
    if found.identical:
        weights = ", and so are the weights" if found.weights else ""
        lines.append(
            f"identical: {found.compared} values of {found.epochs} epochs are equal bit "
            f"for bit{weights}"
        )
    else:
        lines += _different(found)
    lines += [f"  {name}: {then} then, {now} now" for name, (then, now) in found.changed.items()]
    for line in lines:
        console().print(line, markup=False, soft_wrap=True)


def _different(found: Repetition) -> list[str]:
    lines = [
        f"different: {len(found.differences)} of {found.compared} values"
        if found.differences
        else "different: the metrics are equal, the weights are not"
    ]
    lines += [
        f"  epoch {one.epoch} {one.metric}: {one.stored!r} stored, {one.again!r} again"
        for one in found.differences[:SHOWN]
    ]
    gaps = [
        abs(one.again - one.stored) / (abs(one.stored) or 1.0)
        for one in found.differences
        if one.again is not None and one.stored is not None
    ]
    known = [gap for gap in gaps if math.isfinite(gap)]
    if known:
        lines.append(f"  largest relative difference {max(known):.2g}")
    lines.append(
        "what differs from the time of the stored one:"
        if found.changed
        else "nothing differs in versions or machine; a trial that was trained now in a pack "
        "and now alone is equal to rounding only"
    )
    return lines
