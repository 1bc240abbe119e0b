"""Whether a node of a cluster can train a sweep: storage, program, processor and data."""

from __future__ import annotations

import functools
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sweeper.errors import UserError
from sweeper.messages import Job
from sweeper.storage.disk_space import scarce
from sweeper.storage.paths import nonce_file
from sweeper.worker.local_copy import localized, with_data
from trainers import TrainerError
from trainers.datasets import DATASETS
from trainers.provenance import machine

__all__ = ["ENDING", "SAME", "UnfitNode", "difference", "examine", "lack", "require_fit"]

NAMES = {"source": "the program", "cpu": "the processor", "instructions": "its instructions"}
SAME = "make them equal, or set `allow_mixed: true` in the grid"
DATA = "SWEEPER_DATA"
ENDING = "is about to end (it is drained): its trials save a checkpoint, and go on elsewhere"
GPUS = Path("/proc/driver/nvidia/gpus")


class UnfitNode(Exception):
    """A node that cannot train the sweep, or no longer; the message says why."""


def examine(job: str) -> dict[str, Any]:
    """What this node has of what a job (as JSON text) needs, in plain values.

    ``seen`` : whether it sees the storage that the driver writes; ``unseen`` why it cannot use its
    bucket, or "". ``machine`` : what must be
    equal for equal results. ``data`` : why the data cannot be used here, or None. ``scarce`` :
    what is left of the disk of temporary files, if that is little, or None. If this process has
    no SWEEPER_DATA, it gets that of the driver, if there is such a folder here.
    """
    temporary = tempfile.gettempdir()
    left = scarce(Path(temporary))
    try:
        job, unseen = localized(job), ""
    except (UserError, OSError) as error:
        unseen = str(error)
    row = json.loads(job)
    if not os.environ.get(DATA) and row["data_folder"] and Path(row["data_folder"]).is_dir():
        os.environ[DATA] = row["data_folder"]
    seen = not unseen and _read(nonce_file(row["sweep"])) == row["nonce"]
    return {
        "seen": seen,
        "unseen": unseen,
        "machine": {**machine(), **({"gpu": _gpu()} if row["device"] != "cpu" else {})},
        "data": _without_data(job) if seen else None,
        "scarce": left and f"{temporary}: {left}",
    }


def lack(found: Mapping[str, Any], storage: str) -> str:
    """What a node lacks by `examine`, as the rest of a sentence that begins with its name."""
    if found["unseen"]:
        return f"cannot use the storage: {found['unseen']}"
    if not found["seen"]:
        return f"does not see the storage {storage} that the driver writes: mount it there"
    return f"cannot use the data: {found['data']}" if found["data"] else ""


def difference(found: Mapping[str, Any], machine: Mapping[str, str]) -> str:
    """In what a node differs by `examine` from a `machine`, as the rest of such a sentence."""
    other = [
        f"{NAMES.get(name, name)} ({found['machine'].get(name)}, not {value})"
        for name, value in machine.items()
        if found["machine"].get(name) != value
    ]
    return f"differs in {' and in '.join(other)}" if other else ""


def require_fit(job: str) -> None:
    """Raise `UnfitNode` if this node lacks what a job needs; jobs without a nonce need nothing."""
    row = json.loads(job)
    if not row["nonce"]:
        return
    found = examine(job)
    words = lack(found, row["storage"])
    if other := difference(found, row["machine"]):
        words = words or f"{other}: {SAME}"
    if words:
        raise UnfitNode(words)


def _without_data(job: str) -> str | None:
    """Why this node cannot use the data of a job's trials; None if it can."""
    try:
        for trial in with_data(Job.from_json(job)).trials:
            _require_data(json.dumps(trial.trial.config()["data"]), trial.checksum)
    except (TrainerError, OSError, TypeError) as error:
        folder = json.loads(job)["data_folder"]
        if DATA in str(error) and folder and not os.environ.get(DATA):
            return (
                f"the folder {folder}, which {DATA} names for the driver, is not there: mount it, "
                f"or set {DATA} for the Ray of that host"
            )
        return str(error)
    return None


@functools.lru_cache(maxsize=64)
def _require_data(data: str, checksum: str) -> None:
    """Raise `TrainerError` unless the data are there, with this checksum; checked once."""
    found = DATASETS.build(json.loads(data)).checksum()
    if found != checksum:
        raise TrainerError(f"their checksum is {found}, and {checksum} for the driver")


def _gpu() -> str:
    """The kinds of this node's GPUs."""
    lines = [
        line for path in sorted(GPUS.glob("*/information")) for line in _read(path).split("\n")
    ]
    found = {line.partition(":")[2].strip() for line in lines if line.startswith("Model")}
    return ", ".join(sorted(found)) or "none"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
