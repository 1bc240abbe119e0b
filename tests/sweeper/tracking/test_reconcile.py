"""Whatever happened to MLflow, `reconcile` makes it show what storage holds, once."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from rich.console import Console

from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.status.stored import stored_sweeps
from sweeper.storage import paths
from sweeper.storage.lease import hold_lease
from sweeper.sweep import Sweep
from sweeper.tracking.reconcile import Reconciled, reconcile
from tests.sweeper.mlflow_view import READY, View, look
from tests.sweeper.small import metrics_of, newest, planned, small_sweep, train

pytestmark = READY


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    found = small_sweep(tmp_path, planned(), planned(seed=2), planned(lr=1e30))
    run(found, RunOptions(inline=True, console=Console(file=io.StringIO())))
    return found


def repaired(sweep: Sweep, uri: str | None = None) -> Reconciled:
    [stored] = stored_sweeps(sweep.storage, sweep.experiment)
    return reconcile(stored, uri)


def values(seen: View) -> dict[tuple[str, str], str]:
    """As texts: a NaN is equal to none."""
    return {key: repr(rows) for key, rows in seen.history.items()}


def check(sweep: Sweep, seen: View) -> None:
    """MLflow holds the storage's records, each once, under one run a trial."""
    assert not seen.repeated
    good, other, bad = (trial.id for trial in sweep.trials)
    assert seen.statuses == {good: "FINISHED", other: "FINISHED", bad: "FAILED"}
    assert [parent.info.status for parent in seen.parents] == ["FAILED"]
    for trial in sweep.trials[:2]:
        assert [value for _, _, value in seen.history[trial.id, "test/kl"]] == [
            metrics["test/kl"] for _, _, metrics in metrics_of(sweep, trial)
        ]
        [found] = seen.runs[trial.id]
        assert found.data.params["sigma"] == "0.1"
        assert found.data.tags["mlflow.parentRunId"] == seen.parents[0].info.run_id
        assert "gallery.png" in seen.artifacts[trial.id]


def test_each_trial_is_a_step_of_the_bar(sweep: Sweep) -> None:
    [stored] = stored_sweeps(sweep.storage, sweep.name)
    steps: list[None] = []
    reconcile(stored, step=lambda: steps.append(None))
    assert len(steps) == len(sweep.trials) > 0


def test_another_store_is_filled(sweep: Sweep, other_store: str) -> None:
    found = repaired(sweep, other_store)
    assert (found.trials, found.created, found.replaced, found.twins) == (3, 3, 0, 0)
    check(sweep, look(other_store))
    assert values(look(other_store)) == values(look(sweep.tracking))
    again = repaired(sweep, other_store)
    assert (again.trials, again.created, again.replaced, again.twins) == (3, 0, 0, 0)
    check(sweep, look(other_store))


def test_younger_twins_are_deleted(sweep: Sweep) -> None:
    client, seen = MlflowClient(sweep.tracking), look(sweep.tracking)
    [run_of] = seen.runs[sweep.trials[0].id]
    keys = {name: value for name, value in run_of.data.tags.items() if name.startswith("sweeper.")}
    client.create_run(run_of.info.experiment_id, tags=keys)
    [parent] = seen.parents
    client.create_run(
        parent.info.experiment_id, tags={"sweeper.kind": "sweep", "sweeper.sweep": sweep.name}
    )
    assert repaired(sweep).twins == 2
    after = look(sweep.tracking)
    check(sweep, after)
    assert after.runs[sweep.trials[0].id][0].info.run_id == run_of.info.run_id


def test_values_that_storage_has_not_are_replaced(sweep: Sweep) -> None:
    client, trial = MlflowClient(sweep.tracking), sweep.trials[0].id
    [run_of] = look(sweep.tracking).runs[trial]
    client.log_batch(run_of.info.run_id, metrics=[Metric("test/kl", 7.0, 1, 2)])
    assert look(sweep.tracking).repeated
    found = repaired(sweep)
    assert (found.replaced, found.created) == (1, 1)
    check(sweep, look(sweep.tracking))


@pytest.mark.usefixtures("by_calls")
def test_a_run_that_claims_too_much_gets_the_rest(
    sweep: Sweep, other_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tracker took the mark and lost the metrics: marks are not believed."""
    from sweeper.tracking.tracker import Tracking

    def lose(tracking: Tracking, shown: object, *batch: object) -> None:
        tracking._client.set_tag(shown.run, "sweeper.epoch", "4")  # type: ignore[attr-defined]

    with monkeypatch.context() as patch:
        patch.setattr(Tracking, "_send", lose)
        repaired(sweep, other_store)
    assert not [key for key in look(other_store).history if key[1] == "test/kl"]
    assert repaired(sweep, other_store).replaced == 0
    check(sweep, look(other_store))


def test_a_trial_that_stopped_is_not_left_running(sweep: Sweep, other_store: str) -> None:
    from sweeper.tracking.tracker import Tracking

    trial = sweep.trials[0]
    Tracking(replace(sweep, tracking=other_store), {}).show_trial(
        trial.id, newest(sweep, trial), "RUNNING"
    )
    assert look(other_store).statuses == {trial.id: "RUNNING"}
    repaired(sweep, other_store)
    check(sweep, look(other_store))


def test_a_sweep_under_way_is_left_alone(sweep: Sweep) -> None:
    with hold_lease(paths.sweep_folder(sweep)), pytest.raises(UserError, match="already being"):
        repaired(sweep)


def test_the_command_repairs_all_sweeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = small_sweep(tmp_path, planned())
    train(sweep)
    arguments = ["reconcile", "--storage", str(sweep.storage)]
    assert main([*arguments, "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)["sweeps"]
    assert (found["sweep"], found["created"]) == ("small-1", 1)
    assert look(sweep.tracking).statuses == {sweep.trials[0].id: "FINISHED"}
    assert main(["reconcile", "--storage", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out == f"no sweeps in {tmp_path / 'none'}\n"
    assert main([*arguments, "--tracking", "http://127.0.0.1:1"]) == 2
    assert "no MLflow server answers" in capsys.readouterr().err
