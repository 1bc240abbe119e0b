"""`sweeper chaos`: run a sweep without and one with faults, and check the promises."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cluster.mlflow_server import MlflowServer, free_port
from cluster.several import several_nodes
from sweeper.bucket.address import is_bucket
from sweeper.bucket.mirror import mirror_at
from sweeper.bucket.objects import Bucket
from sweeper.chaos import OWN
from sweeper.chaos.disturb import Disturbance, Stoppable
from sweeper.chaos.disturbed import Setup, started
from sweeper.chaos.promises import KINDS, Promise, equal_results, finishes, tracked_once
from sweeper.errors import UserError
from sweeper.storage.addresses import storage_path
from sweeper.tracking.connection import check_address, settle

__all__ = ["Chaos", "SuiteResult", "chaos"]


@dataclass(frozen=True)
class Chaos:
    """The options of `sweeper chaos`: where to run, and how many faults to inject.

    `cluster` is an address as in a grid, or `OWN` for a Ray of several nodes on this machine.
    `nodes` says whether a node of it may be killed, too. `tracking` None starts an MLflow server,
    the only one that is stopped. `storage` is a folder or the address of a bucket; None is the
    system's folder for temporary files.
    """

    seed: int = 0
    kills: int = 4
    cluster: str = "local"
    storage: str | None = None
    tracking: str | None = None
    nodes: bool = False


@dataclass(frozen=True)
class SuiteResult:
    """The checked promises, and the number of injected faults of each kind.

    `left` is the folder of the sweeps, which is kept if a promise was broken.
    """

    seed: int
    experiment: str
    promises: tuple[Promise, ...]
    faults: Mapping[str, int]
    wall_s: float
    left: str | None

    @property
    def kept(self) -> bool:
        return all(self.verdict(promise) == "yes" for promise in self.promises)

    def verdict(self, promise: Promise) -> str:
        """``yes``, ``no``, or ``not tried`` where no fault could have broken it."""
        if promise.lost:
            return "no"
        return "yes" if any(self.faults.get(kind) for kind in promise.kinds) else "not tried"

    def to_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        rows = [
            {
                "promise": one.text,
                "kept": self.verdict(one),
                "lost": one.lost,
                "of": one.of,
                "faults": {kind: self.faults.get(kind, 0) for kind in one.kinds},
            }
            for one in self.promises
        ]
        return asdict(self) | {"kept": self.kept, "promises": rows}


def chaos(asked: Chaos, say: Callable[[str], None]) -> SuiteResult:
    """Run both sweeps in a new folder, which is removed unless a promise was broken.

    On a bucket it is a new prefix. Raises `UserError` if the sweep without faults does not finish.
    """
    settle()
    begun = time.monotonic()
    if asked.tracking:
        check_address(asked.tracking)
    bucket = asked.storage if asked.storage and is_bucket(asked.storage) else None
    if asked.storage and not bucket:
        Path(asked.storage).mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="sweeper-chaos-", dir=None if bucket else asked.storage))
    place = f"{bucket}/{folder.name}" if bucket else str(folder)
    found = None
    try:
        with ExitStack() as stack:
            found = _run(asked, folder, place, stack, say)
    finally:
        if found is None or found.kept:
            shutil.rmtree(folder, ignore_errors=True)
            _clear(place)
    return SuiteResult(
        found.seed,
        found.experiment,
        found.promises,
        found.faults,
        round(time.monotonic() - begun, 1),
        None if found.kept else place,
    )


def _run(
    asked: Chaos, folder: Path, place: str, stack: ExitStack, say: Callable[[str], None]
) -> SuiteResult:
    """Run both sweeps, whose storages lie below `place`; all else is in the folder."""
    storage_path(f"{place}/undisturbed")
    server = None if asked.tracking else _server(folder, stack)
    tracking = asked.tracking or str(server and server.server.uri)
    cluster = stack.enter_context(several_nodes()) if asked.cluster == OWN else asked.cluster
    name = f"{folder.name}"
    log = folder / "driver.log"
    quiet = Setup(f"{place}/undisturbed", tracking, log, f"{name}-undisturbed", cluster)
    _undisturbed(quiet, say)
    disturbed = Setup(f"{place}/disturbed", tracking, log, name, cluster)
    what = Disturbance(disturbed, asked.kills, random.Random(asked.seed), server, say, asked.nodes)
    what.run()
    sweep = what.sweep
    promises = [
        finishes(sweep),
        *what.kept(),
        equal_results(sweep, quiet.sweep()),
        *tracked_once(sweep),
    ]
    faults = {kind: what.done[kind] for kind in KINDS}
    return SuiteResult(asked.seed, name, tuple(promises), faults, 0.0, None)


def _clear(place: str) -> None:
    """Delete the storages below an address of a bucket, and their mirrors; nothing of a folder."""
    if is_bucket(place):
        for name in ("undisturbed", "disturbed"):
            shutil.rmtree(mirror_at(f"{place}/{name}").folder)
        with suppress(OSError):
            bucket = Bucket(place, patience=15.0)
            bucket.delete(entry.key for entry in bucket.entries())


def _server(folder: Path, stack: ExitStack) -> Stoppable:
    """Start an MLflow server with a new store, which is stopped at the end of the stack."""
    (folder / "mlflow").mkdir()
    server = Stoppable(
        MlflowServer(
            f"sqlite:///{folder}/mlflow/server.db", free_port(), folder / "mlflow" / "files"
        )
    )
    stack.callback(server.stop)
    server.start()
    return server


def _undisturbed(setup: Setup, say: Callable[[str], None]) -> None:
    begun = time.monotonic()
    with started(setup) as driver:
        code = driver.wait()
    if code:
        words = setup.log.read_text(encoding="utf-8", errors="replace").strip()
        raise UserError(
            "the undisturbed sweep did not finish, so there is nothing to disturb: "
            f"{words.rpartition(chr(10))[2] or f'exit code {code}'}"
        )
    say(f"undisturbed: {len(setup.sweep().trials)} trials in {time.monotonic() - begun:.0f} s")
