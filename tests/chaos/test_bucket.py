"""A sweep on a bucket whose store fails, is late and loses answers, killed again and again."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeper.chaos.faults import killers, saved_epochs
from sweeper.storage.attempts import load_state
from sweeper.sweep import Sweep
from tests.chaos.driver import chaos_sweep, started
from tests.chaos.promises import check_promises, reference
from tests.sweeper.bucket.object_store import BUCKET, faulty_store, object_store
from tests.sweeper.mlflow_view import THIRD_PARTY
from tests.sweeper.small import newest

pytestmark = THIRD_PARTY
ADDRESS = f"s3://{BUCKET}/chaos"
FAULTS = {"refused": 0.05, "late": 0.05, "unanswered": 0.05}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_on_a_bucket_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its driver is killed twice and a worker once; another machine then has every result."""
    with object_store() as port, faulty_store(port, tmp_path) as store:
        store.be("one", monkeypatch)
        sweep = chaos_sweep(tmp_path, storage=ADDRESS)
        store.proxy.delay_s, store.proxy.chances = 0.2, FAULTS
        for _ in range(2):
            strike(tmp_path, sweep, lambda driver: driver.send_signal(signal.SIGKILL))
        with killers(sweep, random.Random(0), nodes=False) as known:
            code = strike(tmp_path, sweep, lambda driver: known.worker(driver.pid), "--ray")
        assert code == 0
        assert min(store.proxy.done[fault] for fault in FAULTS) > 0
        store.proxy.chances = {}
        store.be("two", monkeypatch)
        there = chaos_sweep(tmp_path, storage=ADDRESS)
        states = [load_state(newest(there, trial)) for trial in there.trials]
        assert len(states) == 4
        check_promises(there, reference(tmp_path, there))


def strike(folder: Path, sweep: Sweep, how: Callable[..., object], *options: str) -> int:
    """Do something to a driver once it has saved three epochs more; returns its exit code."""
    before = saved_epochs(sweep)
    with started(folder, ADDRESS, *options) as driver:
        while saved_epochs(sweep) < before + 3 and driver.poll() is None:
            time.sleep(0.005)
        how(driver)
        return driver.wait(600)
