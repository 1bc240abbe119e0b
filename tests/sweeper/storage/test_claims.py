"""Sweeps that share trials, driven at once: each trial is trained by one of them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cluster.processes import own_session
from sweeper.driver.run import RunOptions, run
from sweeper.storage import ledger, paths
from sweeper.storage.claims import MOST, Claims
from sweeper.sweep import Outcome, PlannedTrial, Sweep
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.searched import load, source_of
from tests.sweeper.small import metrics_of, planned, small_sweep, train, undisturbed

CLAIMER = """
import sys, time
from pathlib import Path
from sweeper.storage.claims import MOST, Claims
claims = Claims(Path(sys.argv[1]))
print(claims.take(sys.argv[2]), flush=True)
time.sleep(600)
"""


class Screen(io.StringIO):
    """Does something once, as soon as the driver says that it waits."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self._then: Callable[[], object] | None = then

    def write(self, text: str) -> int:
        then = self._then
        if then and "waiting for" in text:
            self._then = None
            then()
        return super().write(text)


pytestmark = READY


def drive(sweep: Sweep, then: Callable[[], object]) -> tuple[Outcome, str]:
    screen = Screen(then)
    outcome = run(sweep, RunOptions(inline=True, console=Console(file=screen, width=200)))
    return outcome, screen.getvalue()


def attempts(sweep: Sweep, trial: PlannedTrial) -> int:
    return len(list(paths.trial_folder(sweep.storage, trial.id).glob("[0-9]*")))


def test_one_driver_claims_a_trial(tmp_path: Path) -> None:
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        assert one.take("a")
        assert one.take("a")
        assert not other.take("a")
        assert other.take("b")
        assert not one.free(["a", "b"])
        assert one.free(["a", "c"])
        assert other.holders(["a"]).startswith(f"process {os.getpid()} on ")
        one.drop(["a", "never"])
        assert other.take("a")
    assert Claims(tmp_path).free(["a"])


def test_a_claim_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "trials").write_text("no folder")
    with Claims(tmp_path) as claims:
        assert claims.take("a")
        claims.drop(["a"])


def test_no_more_files_are_open_than_a_process_may_have(tmp_path: Path) -> None:
    trials = [f"{number:04d}" for number in range(MOST + 2)]
    with Claims(tmp_path) as claims:
        assert all(map(claims.take, trials))
        with Claims(tmp_path) as other:
            assert [other.take(trial) for trial in trials[-3:]] == [False, True, True]
        claims.drop(trials[:1])
        assert claims.take("last")
        assert not Claims(tmp_path).take("last")


def test_what_another_sweep_trains_is_waited_for_and_taken(tmp_path: Path) -> None:
    shared, own = planned(), planned(seed=2)
    sweep, claims = small_sweep(tmp_path, shared, own), Claims(tmp_path / "sweeps")
    assert claims.take(shared.id)

    def finish() -> None:
        assert ledger.status(sweep.storage, [own.id]) == {own.id: "finished"}
        train(small_sweep(tmp_path, shared, name="other-1"))
        claims.drop([shared.id])

    outcome, said = drive(sweep, finish)
    assert (outcome.finished, outcome.failed, outcome.interrupted) == (2, 0, False)
    assert f"waiting for 1 trial that another sweep trains (process {os.getpid()} on" in said
    assert attempts(sweep, shared) == 1
    assert look(sweep.tracking).statuses == {shared.id: "FINISHED", own.id: "FINISHED"}


def test_what_a_killed_driver_had_is_trained(tmp_path: Path) -> None:
    shared, own = planned(), planned(seed=2)
    sweep = small_sweep(tmp_path, shared, own)
    with own_session(
        [sys.executable, "-c", CLAIMER, str(sweep.storage), shared.id], subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"True\n"
        outcome, said = drive(sweep, other.kill)
    assert outcome.finished == 2
    assert f"(process {other.pid} on" in said
    again = undisturbed(tmp_path, [shared, own], packed=True)
    assert metrics_of(sweep, shared) == metrics_of(again, shared)


@pytest.mark.parametrize(
    "search",
    [
        "{method: asha, metric: test/elbo_full, mode: max}",
        "{method: tpe, metric: test/elbo_full, mode: max, trials: 3, startup: 1}",
    ],
)
def test_a_search_goes_on_without_what_others_train(search: str, tmp_path: Path) -> None:
    values = "{uniform: [0.1, 0.2]}" if "tpe" in search else "[0.1, 0.2, 0.3]"
    elsewhere, sweep = (
        load(tmp_path / name, search, f"{{model: sigma_vae, sigma: {values}}}", epochs=3)
        for name in ("elsewhere", "here")
    )
    first = elsewhere.trials[0] if elsewhere.trials else source_of(elsewhere).ask(())[0].trial
    claims = Claims(sweep.storage)
    assert claims.take(first.id)

    def let_go() -> None:
        assert attempts(sweep, first) == 0
        assert len(list(sweep.storage.glob("trials/*/0001"))) == 2
        claims.drop([first.id])

    outcome, _ = drive(sweep, let_go)
    assert outcome.finished + outcome.pruned == outcome.trials == 3
    assert attempts(sweep, first) == 1


def test_waiting_ends_with_a_signal(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned(), planned(seed=2))
    shared = sweep.trials[0]
    with Claims(sweep.storage) as claims:
        assert claims.take(shared.id)
        outcome, said = drive(sweep, lambda: signal.raise_signal(signal.SIGINT))
    assert outcome.interrupted
    assert outcome.finished == 1
    assert "stopping" in said
    assert attempts(sweep, shared) == 0
    assert drive(sweep, lambda: None)[0].finished == 2
