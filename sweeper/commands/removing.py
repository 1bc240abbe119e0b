"""What `sweeper remove` and `sweeper archive` would take away, the question, and the deed."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.sources.tracking_address import without_password
from sweeper.errors import UserError
from sweeper.terminal.screen import busy, console, progress

if TYPE_CHECKING:
    from sweeper.removal.belongings import Belongings
    from sweeper.tracking.deleted_runs import FoundRuns

__all__ = ["Loss", "add_removal", "confirmed", "foresee", "removed", "take_out"]

GIGABYTE, MEGABYTE, KILOBYTE = 10**9, 10**6, 10**3


@dataclass(frozen=True)
class Loss:
    """What would be removed, counted before anything is."""

    belongings: Belongings
    runs: tuple[FoundRuns, ...]
    size: int
    counts: dict[str, int]

    def plain(self) -> dict[str, Any]:
        """The same for ``--json``."""
        from sweeper.storage.addresses import show_storage

        return {
            "storage": show_storage(self.belongings.storage),
            "sweeps": [one.name for one in self.belongings.sweeps],
            "trials": len(self.belongings.trials),
            "counts": self.counts,
            "bytes": self.size,
            "shared_trials": len(self.belongings.shared),
            "runs": {without_password(one.tracking): len(one.doomed) for one in self.runs},
        }

    def sentences(self) -> list[str]:
        """The same in words."""
        from sweeper.storage.addresses import show_storage

        own = self.belongings
        trials = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        said = [
            f"{_many(len(own.sweeps), 'sweep')} in {show_storage(own.storage)}: "
            + ", ".join(one.name for one in own.sweeps),
            f"{_many(len(own.trials), 'trial')} ({trials}) with weights, metrics, evaluations and "
            f"pictures; {_amount(self.size)} in all"
            if own.trials
            else f"no trial; {_amount(self.size)} in all",
        ]
        said += [
            f"{_many(len(one.doomed), 'run')} in MLflow at {without_password(one.tracking)}"
            f" ({len(one.doomed) - one.sweeps} of trials, {one.sweeps} of sweeps)"
            for one in self.runs
        ]
        if own.shared:
            said.append(f"not {_many(len(own.shared), 'trial')} that other sweeps use too")
        return said


def add_removal(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that both commands have."""
    parser.add_argument(
        "name", metavar="EXPERIMENT|SWEEP", help="an experiment with all its sweeps, or one sweep"
    )
    parser.add_argument(
        "--storage",
        metavar="DIR",
        default="sweeps",
        help="storage that holds it, a folder or s3://... (default: ./sweeps)",
    )
    parser.add_argument("--keep-runs", action="store_true", help="leave MLflow's runs as they are")
    parser.add_argument("--yes", action="store_true", help="remove without asking")


def foresee(arguments: argparse.Namespace) -> Loss:
    """Count what would be removed; raises `UserError` if a driver runs one of the sweeps."""
    from sweeper.removal.belongings import held, named
    from sweeper.storage.addresses import storage_path

    found = named(storage_path(arguments.storage), arguments.name)
    with held(found):  # refused now, and not after the question
        pass
    with busy("counting what there is"):
        runs = () if arguments.keep_runs else _runs(found)
        return Loss(found, runs, found.size(), found.counts())


def confirmed(loss: Loss, arguments: argparse.Namespace, verb: str) -> bool:
    """Say what would be removed, and ask for it unless ``--yes`` is given.

    Raises `UserError` if it is not given and there is no terminal to ask.
    """
    screen = console(stderr=arguments.json)
    if not arguments.json or not arguments.yes:
        screen.print(f"This would be {verb}:", markup=False)
        for sentence in loss.sentences():
            screen.print(f"  {sentence}", markup=False, soft_wrap=True)
    if arguments.yes:
        return True
    if not sys.stdin.isatty():
        raise UserError("nothing was removed: there is no terminal to ask; add --yes to do it")
    screen.print("Go on? [y/N] ", end="", markup=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def take_out(loss: Loss, belongings: Belongings) -> None:
    """Remove MLflow's runs, then the files; the caller holds the leases (`belongings.held`)."""
    from sweeper.removal.delete import delete
    from sweeper.tracking.deleted_runs import delete_runs

    runs = _runs(belongings) if loss.runs else ()
    steps = sum(len(one.doomed) for one in runs) + len(belongings.trials)
    with progress("removing", steps) as step:
        delete_runs(runs, step)
        delete(belongings, step)


def removed(loss: Loss, belongings: Belongings) -> list[str]:
    """Sentences for the end, on what is gone and what is left to do."""
    count = sum(len(one.doomed) for one in loss.runs)
    said = [
        f"removed {_many(len(belongings.sweeps), 'sweep')}, "
        f"{_many(len(belongings.trials), 'trial')} ({_amount(loss.size)}) and "
        f"{_many(count, 'run')}"
    ]
    if count:
        said.append(
            "MLflow keeps deleted runs until `mlflow gc --backend-store-uri ADDRESS`, with the "
            "address of its store, erases them; the experiment stays in its list"
        )
    left = {one.experiment for one in belongings.sweeps} - set(belongings.whole)
    said += [
        f"the report of {name} still shows what was removed; `sweeper report {name}` writes it "
        "again"
        for name in sorted(left)
        if Path(belongings.storage, "sweeps", name, "report").is_dir()
    ]
    return said


def _runs(belongings: Belongings) -> tuple[FoundRuns, ...]:
    """The runs of the sweeps, for each tracking store and experiment."""
    from sweeper.tracking.deleted_runs import find_runs

    own, others = belongings.sweeps, belongings.others
    found = []
    for tracking, experiment in dict.fromkeys((one.tracking, one.experiment) for one in own):
        here = (tracking, experiment)
        sweeps = [one for one in own if (one.tracking, one.experiment) == here]
        staying = [one for one in others if (one.tracking, one.experiment) == here]
        kept = {trial for one in staying for trial in one.trials}
        trials = {trial for one in sweeps for trial in one.trials} - kept
        rest = {one.name: one.trials for one in staying}
        found.append(find_runs(tracking, experiment, [one.name for one in sweeps], trials, rest))
    return tuple(found)


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _amount(size: int) -> str:
    for unit, name in ((GIGABYTE, "GB"), (MEGABYTE, "MB"), (KILOBYTE, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
