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
EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>"
COMMITS = 6  # of the 120 of all trials
FAULTS = {"refused": 0.05, "late": 0.05, "unanswered": 0.05}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_on_a_bucket_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its driver is killed thrice and a worker once; another machine then has every result."""
    with object_store() as port, faulty_store(port, tmp_path) as store:
        store.be("one", monkeypatch)
        sweep = chaos_sweep(tmp_path, storage=ADDRESS)
        store.proxy.delay_s, store.proxy.chances = 0.2, FAULTS
        for _ in range(3):
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


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("options", [(), ("--ray",)], ids=["inline", "ray"])
def test_credentials_that_expire_end_a_sweep_that_goes_on_with_new_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    with object_store() as port, faulty_store(port, tmp_path) as store:
        store.be("one", monkeypatch)
        sweep = chaos_sweep(tmp_path, storage=ADDRESS)
        proxy, done = store.proxy, 0
        whole = proxy.fault

        def fault(verb: str, path: str) -> str:
            nonlocal done
            done += verb == "PUT" and path.endswith("/manifest.json")
            if done > COMMITS:
                proxy.answer = (403, EXPIRED)
            return whole(verb, path)

        with monkeypatch.context() as patch:
            patch.setattr(proxy, "fault", fault)
            code, said = run_driver(tmp_path, *options)
        assert code != 0
        assert "the store refuses the credentials" in said
        proxy.answer = None
        assert run_driver(tmp_path, *options)[0] == 0
        check_promises(sweep, reference(tmp_path, sweep))


def run_driver(folder: Path, *options: str) -> tuple[int, str]:
    """Run a driver to its end; its exit code, and what it says."""
    with started(folder, ADDRESS, *options) as driver:
        _, said = driver.communicate()
    return driver.returncode, said.decode()


def strike(folder: Path, sweep: Sweep, how: Callable[..., object], *options: str) -> int:
    """Do something to a driver once it has saved three epochs more; returns its exit code."""
    before = saved_epochs(sweep)
    with started(folder, ADDRESS, *options) as driver:
        while saved_epochs(sweep) < before + 3 and driver.poll() is None:
            time.sleep(0.005)
        how(driver)
        return driver.wait(600)
