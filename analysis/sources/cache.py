"""A cache of the frames in parquet files, with a stamp per trial that shows if it changed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pyarrow as pa

from analysis.sources.frames import plain
from analysis.sources.schema import RESERVED, param_columns

__all__ = ["Frames", "entry", "merged", "read", "write"]

FORMAT = 5


@dataclass(frozen=True)
class Frames:
    """The trials and history frames and, for each trial, the stamp of the state they describe."""

    trials: pd.DataFrame = field(default_factory=pd.DataFrame)
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    stamps: Mapping[str, str] = field(default_factory=dict)


def entry(folder: Path, source: str, experiment: str) -> Path:
    """The folder of one experiment of one source within the cache."""
    return Path(folder) / sha256(f"{source}\n{experiment}".encode()).hexdigest()[:16]


def read(path: Path) -> Frames:
    """The cached frames; empty if the cache is missing, damaged or of another format."""
    try:
        index = json.loads((path / "stamps.json").read_text())
        if index["format"] != FORMAT:
            return Frames()
        trials = pd.read_parquet(path / index["trials"])
        history = pd.read_parquet(path / index["history"])
    except (OSError, ValueError, KeyError):
        return Frames()
    return Frames(plain(trials), history, index["stamps"])


def write(path: Path, frames: Frames) -> None:
    """Write `frames` to the cache; failing to write is not an error."""
    key = sha256(json.dumps(frames.stamps, sort_keys=True).encode()).hexdigest()[:12]
    names = {name: f"{name}-{key}.parquet" for name in ("trials", "history")}
    index = {"format": FORMAT, **names, "stamps": dict(frames.stamps)}
    try:
        path.mkdir(parents=True, exist_ok=True)
        frames.trials.to_parquet(path / names["trials"])
        frames.history.to_parquet(path / names["history"])
        partial = path / f"stamps.{os.getpid()}"
        partial.write_text(json.dumps(index))
        partial.replace(path / "stamps.json")
        for old in set(path.glob("*.parquet")) - {path / name for name in names.values()}:
            old.unlink(missing_ok=True)
    except (OSError, pa.ArrowInvalid, pa.ArrowTypeError):
        return


def merged(old: Frames, fresh: Frames, stamps: Mapping[str, str]) -> Frames:
    """`fresh`, with those trials of `old` that are in `stamps` but not in `fresh`."""
    keep = set(stamps) - set(fresh.stamps)
    frames = []
    for before, after in ((old.trials, fresh.trials), (old.history, fresh.history)):
        kept = before[before["trial"].isin(keep)] if len(before) else before
        parts = [part for part in (kept, after) if len(part)]
        frames.append(pd.concat(parts, ignore_index=True) if parts else after)
    order = ["trial", "metric", "step"]
    return Frames(
        _ordered(frames[0]).sort_values("trial", ignore_index=True),
        frames[1].sort_values(order, kind="stable", ignore_index=True),
        stamps,
    )


def _ordered(trials: pd.DataFrame) -> pd.DataFrame:
    metrics = sorted(name for name in trials.columns if "/" in name)
    return plain(trials[[*RESERVED, *sorted(param_columns(trials)), *metrics]])
