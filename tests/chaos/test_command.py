"""`sweeper chaos` keeps its promises, sees a broken one, and leaves nothing behind."""

from __future__ import annotations

import io
import json
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from cluster.processes import own_session
from sweeper.bucket.objects import Bucket
from sweeper.chaos.disturb import Disturbance
from sweeper.chaos.disturbed import Setup
from sweeper.chaos.faults import cut_commit, cut_ledger, saved_epochs
from sweeper.chaos.promise_table import draw_promises
from sweeper.chaos.promises import KINDS, Promise, equal_results, finishes, tracked_once
from sweeper.chaos.suite import SuiteResult
from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.storage import paths
from sweeper.worker import reporter
from tests.chaos.test_torn import stored
from tests.sweeper.bucket.object_store import BUCKET, object_store, settings_of
from tests.sweeper.mlflow_view import THIRD_PARTY
from tests.sweeper.small import newest, planned, prepared, small_sweep, train, undisturbed
from trainers import checkpoint

pytestmark = THIRD_PARTY


@pytest.mark.chaos
def test_the_command_keeps_its_promises_on_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with object_store() as port:
        for name, value in settings_of(f"http://127.0.0.1:{port}", tmp_path).items():
            monkeypatch.setenv(name, value)
        place = Bucket(f"s3://{BUCKET}/theirs")
        place.put("file", b"")
        storage = str(place.address)
        assert main(["chaos", "--kills", "2", "--seed", "1", "--storage", storage, "--json"]) == 0
        left = [entry.key for entry in place.entries()]
    found = json.loads(capsys.readouterr().out)
    assert found["kept"]
    faults = found["faults"]  # a worker and MLflow only if the sweep has not ended before
    assert [faults[one] for one in ("driver killed", "node killed", "record cut")] == [2, 0, 1]
    assert {row["kept"] for row in found["promises"]} == {"yes"}
    assert all(row["of"] for row in found["promises"])
    assert left == ["file"]
    assert not list(tmp_path.glob("sweeper/buckets/*"))


@pytest.mark.slow
def test_a_cluster_that_loses_a_node_keeps_its_promises(tmp_path: Path) -> None:
    """A Ray of its own, with two nodes that train; in a process of its own, as it starts Ray."""
    options = ["--cluster", "--kills", "2", "--json", "--storage", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "sweeper", "chaos", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {row["kept"] for row in found["promises"]} == {"yes"}
    assert found["faults"]["node killed"] == 1  # a worker only if the sweep has not ended before
    assert not list(tmp_path.iterdir())


def test_the_shipped_grid_can_be_disturbed(tmp_path: Path) -> None:
    sweep = Setup(str(tmp_path), "sqlite:///none.db", tmp_path / "log", "name", "host:1").sweep()
    assert (sweep.experiment, sweep.cluster, len(sweep.trials)) == ("name", "host:1", 6)
    assert {trial.params["epochs"] for trial in sweep.trials} == {30}


@pytest.mark.usefixtures("ready_store")
def test_a_broken_promise_is_seen(tmp_path: Path) -> None:
    """A run left RUNNING, a step that appears twice, another result: each is counted."""
    sweep = small_sweep(tmp_path, planned())
    run(sweep, RunOptions(inline=True, console=Console(file=io.StringIO())))
    assert [(one.lost, one.of) for one in tracked_once(sweep)][1:] == [(0, 2), (0, 2)]
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        trained = "SELECT run_uuid FROM metrics WHERE key = 'test/kl'"
        database.execute(f"UPDATE runs SET status = 'RUNNING' WHERE run_uuid IN ({trained})")
        database.execute(
            "INSERT INTO metrics SELECT key, value, timestamp + 1, run_uuid, step, "
            "is_nan FROM metrics WHERE step = 2 AND key = 'test/kl'"
        )
        database.commit()
    assert [one.lost for one in tracked_once(sweep)] == [1, 1, 0]
    other = small_sweep(tmp_path / "other", *sweep.trials)
    assert (finishes(other).lost, equal_results(sweep, other).lost) == (1, 1)
    train(other)
    assert (finishes(other).lost, equal_results(sweep, other).lost) == (0, 0)
    path = newest(other, other.trials[0]).folder / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert equal_results(sweep, other).lost == 1


@pytest.mark.parametrize("seed", range(6))
def test_what_is_cut_is_not_believed(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    sweep = stored(tmp_path)
    assert saved_epochs(sweep) == 2
    cut = cut_commit(sweep, random.Random(seed))
    assert cut is not None
    assert cut.path.stat().st_size == cut.length
    assert not cut.believed
    assert newest(sweep, sweep.trials[0]).progress.epoch == 1
    cut = cut_ledger(sweep, random.Random(seed))
    assert not cut.believed
    assert cut.path.name in ("sweep.json", "trial.json")


def test_only_what_is_under_way_is_cut(tmp_path: Path) -> None:
    sweep = undisturbed(tmp_path, [planned()])
    assert cut_commit(sweep, random.Random(0)) is None
    assert checkpoint.latest(paths.trial_folder(sweep.storage, sweep.trials[0].id))


def test_where_no_trial_is_under_way_the_ledger_is_cut(tmp_path: Path) -> None:
    setup = Setup(str(tmp_path), "sqlite:///none.db", tmp_path / "log")
    what = Disturbance(setup, 2, random.Random(0), None, list[str]().append)
    prepared(what.sweep)
    what._cut()
    [cut] = what.cuts
    assert cut.path.name in ("sweep.json", "trial.json")
    assert not cut.believed


def test_what_is_missing_or_empty_is_not_cut(tmp_path: Path) -> None:
    """A driver that was killed at once has not mended what was cut before it."""
    setup = Setup(str(tmp_path), "sqlite:///none.db", tmp_path / "log")
    what = Disturbance(setup, 2, random.Random(0), None, list[str]().append)
    what._cut()
    prepared(what.sweep)
    for path in (paths.sweep_file(what.sweep), *what.sweep.storage.glob("trials/*/trial.json")):
        os.truncate(path, 0)
    what._cut()
    assert (what.cuts, what.done["record cut"]) == ([], 0)


def test_a_promise_that_nothing_tried_is_not_kept() -> None:
    good, cut = Promise("good", 0, 4), Promise("cut", 0, 0, ("record cut",))
    faults = dict.fromkeys(KINDS, 1) | {"record cut": 0}
    found = SuiteResult(3, "chaos", (good, cut), faults, 61.2, None)
    assert [found.verdict(one) for one in found.promises] == ["yes", "not tried"]
    assert not found.kept
    assert replace(found, promises=(good,)).kept
    assert not replace(found, promises=(replace(good, lost=1),)).kept
    screen = io.StringIO()
    draw_promises(Console(file=screen, width=100), found)
    assert "not tried" in screen.getvalue()
    assert "a higher --kills" in screen.getvalue()
    assert "worker killed 1" in screen.getvalue()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--kills", "0"], "--kills must be at least 1"),
        (["--cluster", "host:6379"], "needs --storage"),
        (["--kill-node"], "--kill-node needs --cluster"),
        (["--tracking", "foo"], "--tracking: must start with"),
    ],
)
def test_wrong_options_are_answered(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chaos", *options]) == 2
    assert words in capsys.readouterr().err


def test_only_a_driver_that_was_under_way_counts_as_killed(tmp_path: Path) -> None:
    setup = Setup(str(tmp_path), "sqlite:///none.db", tmp_path / "log")
    said = list[str]()
    what = Disturbance(setup, 1, random.Random(0), None, said.append)
    for code, killed in (("import time; time.sleep(600)", 1), ("", 1)):
        with own_session([sys.executable, "-c", code], subprocess.DEVNULL) as driver:
            if not code:  # it has ended, and nobody has waited for it
                os.waitid(os.P_PID, driver.pid, os.WEXITED | os.WNOWAIT)
            what._kill(driver)
        assert what.done["driver killed"] == killed
    assert said == ["driver killed: after 0 of 180 epochs"]
