"""Train a grid where Ray and MLflow are not: ``python -m trainers GRID``, or a stored FOLDER."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from trainers.allocator import keep_memory
from trainers.errors import ResumeError, TrainerError, printable
from trainers.planned import NEEDED, planned
from trainers.probe import advised_size
from trainers.small import cpu_pack_size
from trainers.stored import StoredTrial, claimed, packs, stored_trials
from trainers.stored_training import train_stored
from trainers.trial import Trial

__all__ = ["main"]

AFTER = "`sweeper reconcile` shows them in MLflow, `sweeper run GRID` does what is left"


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what is not finished; returns 0 only if all trials of grid or folder are then."""
    asked = parser().parse_args(arguments)
    keep_memory()
    try:
        require_device(asked.device)
        trials = stored_trials(folder_of(asked.what, asked.storage))
        train_all(trials, asked.device, asked.pack)
    except subprocess.CalledProcessError as failed:  # which has said why
        return failed.returncode
    except (TrainerError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        say_line("interrupted: the same command goes on from the checkpoints")
        return 130
    left = [one for one in trials if not one.finished]
    merged = sum(one.merged for one in left)
    aliases = f", {merged} of them aliases that `sweeper run` merges" if merged else ""
    say_line(f"{len(trials) - len(left)} of {len(trials)} finished{aliases}; {AFTER}")
    return 1 if left else 0


def folder_of(what: str, storage: Path | None) -> Path:
    """The folder itself, or that of the sweep that a grid is planned as."""
    if not Path(what).is_dir():
        folder = planned(what, storage)
        say_line(f"{what} is planned in {folder}")
        return folder
    if storage is not None:
        raise ResumeError(f"{what} is a folder, and --storage says where to plan a grid")
    return Path(what)


def train_all(trials: Sequence[StoredTrial], device: str, size: int | None) -> None:
    """Train the trials, in packs of at most `size`, without those that other processes train.

    Those of a program that several have are computed as packs, also where one is left alone: so
    its last digits do not depend on what was trained before, or by others.
    """
    done = sum(one.finished for one in trials)
    todo = [one for one in trials if not (one.merged or one.finished or one.hopeless)]
    say_line(f"{len(todo)} of {len(trials)} trials to train, {done} are finished")

    def say(one: StoredTrial, sentence: str) -> None:
        say_line(f"{one.folder.name}  {one.label}: {sentence}")

    count = Counter(one.program for one in trials if not one.merged)
    for pack in divided(todo, device, size):
        packed = count[pack[0].program] > 1 and is_packed(pack[0].trial, device, size)
        with ExitStack() as leases:
            mine = [one for one in claimed(pack, leases) if not one.finished]
            train_stored(mine, device, say, packed)


def divided(
    trials: Sequence[StoredTrial], device: str, size: int | None
) -> Iterator[list[StoredTrial]]:
    """Packs of at most `size`; None: of as many as a program is fastest with on the device."""
    if size:
        yield from packs(trials, size)
        return
    for program in packs(trials, max(1, len(trials))):
        members = [one.trial for one in program]
        best = cpu_pack_size(members[0]) if device == "cpu" else advised_size(members, device)
        yield from packs(program, best)


def is_packed(trial: Trial, device: str, size: int | None) -> bool:
    """Whether trials like this one are computed as packs, where there are several."""
    if size:
        return size > 1
    return device != "cpu" or cpu_pack_size(trial) > 1


def require_device(device: str) -> None:
    """Raise `ResumeError` where there is no such device, before a trial fails for it."""
    if device != "cpu" and not torch.cuda.is_available():
        raise ResumeError(f"torch sees no GPU here, so there is no {device}: leave --device out")


def say_line(sentence: str) -> None:
    sys.stdout.write(printable(sentence) + "\n")
    sys.stdout.flush()


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m trainers",
        description="Train a grid, or a folder that `sweeper plan GRID --store` has written, one "
        "pack after another in this process. Needs torch, and neither Ray nor MLflow; a grid also "
        f"needs {', '.join(NEEDED)}. Start it several times, once a core: each trial is trained "
        "by one of them.",
    )
    found.add_argument(
        "what",
        metavar="GRID|FOLDER",
        help="a YAML file, a shipped grid's name, a storage folder, or a sweep's folder in it",
    )
    found.add_argument(
        "--storage", type=Path, metavar="DIR", help="of a grid, in place of its `storage`"
    )
    found.add_argument(
        "--device", default="cpu", choices=("cpu", "cuda"), help="where to train (default: cpu)"
    )
    found.add_argument(
        "--pack",
        type=size_or_auto,
        metavar="N",
        help="train up to N trials as one program, where they differ in numbers only (default: "
        "auto, by a probe of a GPU, and on a CPU nine of a small network)",
    )
    return found


def size_or_auto(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("takes a whole number from 1, or auto")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
