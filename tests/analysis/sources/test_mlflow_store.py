"""MLflow is a view of storage: both give the same frames."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.sources.load import from_mlflow, from_storage
from analysis.sources.mlflow_runs import Run, parsed, stamp, sweeps, trial_row, trial_runs
from tests.analysis.sweep_folder import planted

TRIAL = Run(
    "r1",
    "FINISHED",
    10,
    3010,
    {"sigma": "0.1", "network": "conv"},
    {"sweeper.kind": "trial", "sweeper.trial": "a", "mlflow.parentRunId": "p"},
    {"test/kl": 1.0, "nll": 2.0, "system/cpu": 3.0},
    5,
)


def test_a_question_that_is_asked_again_is_read_again() -> None:
    """A likelihood from more samples has the same name, step and end: only its value is new."""
    run = Run("r", "FINISHED", 0, 1000, {}, {}, {"test/kl": 1.0, "nll": 2.0}, 5)
    assert stamp(run) == stamp(replace(run, metrics={"nll": 2.0, "test/kl": 1.0}))
    assert stamp(run) != stamp(replace(run, metrics={"test/kl": 1.0, "nll": 1.9}))


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    pytest.importorskip("mlflow", reason="pip install mlflow")
    from tests.analysis.tracked_sweep import mirror

    root = tmp_path_factory.mktemp("tracked")
    folder = planted(root / "sweeps", seeds=1)
    name = folder.entries[0]["id"]
    folder.commit(name, 3, {"test/kl": None, "test/recon": 1.0}, status="failed")
    folder.entries[1] |= {"role": "twin", "twin_of": folder.entries[2]["id"]}
    folder.sweep()
    uri = f"sqlite:///{root}/mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own, within its store
        mirror(root / "sweeps", "demo", uri)
    return root, uri


def test_both_sources_give_the_same_frames(both: tuple[Path, str]) -> None:
    root, uri = both
    ours, theirs = from_storage(root / "sweeps", "demo"), from_mlflow(uri, "demo")
    assert theirs.trials["run_id"].notna().all()
    pd.testing.assert_frame_equal(theirs.trials.assign(run_id=None), ours.trials)
    pd.testing.assert_frame_equal(theirs.history, ours.history)
    assert np.isnan(theirs.trials["test/kl"]).sum() == 1


def test_the_parent_run_stands_for_the_sweep(both: tuple[Path, str]) -> None:
    root, uri = both
    ours, theirs = from_storage(root / "sweeps", "demo").sweeps, from_mlflow(uri, "demo").sweeps
    assert [s["sweep"] for s in theirs] == [s["sweep"] for s in ours]
    key = lambda entry: entry["id"]  # noqa: E731
    assert sorted(theirs[0]["trials"], key=key) == sorted(ours[0]["trials"], key=key)
    assert theirs[0]["provenance"]["git_commit"] == "12345678"


def test_cached_history_is_the_same(both: tuple[Path, str], tmp_path: Path) -> None:
    _, uri = both
    plain = from_mlflow(uri, "demo").history
    for _ in range(2):
        cached = from_mlflow(uri, "demo", tmp_path).history
        pd.testing.assert_frame_equal(cached, plain)


def test_unknown_experiment_and_missing_store(both: tuple[Path, str], tmp_path: Path) -> None:
    _, uri = both
    with pytest.raises(AnalysisError, match=r"no experiment 'nope'.*demo"):
        from_mlflow(uri, "nope")
    missing = tmp_path / "none.db"
    with pytest.raises(AnalysisError, match="no tracking database"):
        from_mlflow(f"sqlite:///{missing}", "demo")
    assert not missing.exists()


@pytest.mark.parametrize(
    ("content", "said"), [("", "has no tables of MLflow yet; name"), ("x" * 5000, "cannot read")]
)
def test_a_file_that_is_no_store(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text(content)
    with pytest.raises(AnalysisError, match=said):
        from_mlflow(f"sqlite:///{tmp_path}/x.db", "demo")


def test_addresses_of_unknown_kind_and_dead_servers() -> None:
    with pytest.raises(AnalysisError, match="sqlite:///"):
        from_mlflow("./mlruns", "demo")
    with pytest.raises(AnalysisError, match="no answer"):
        from_mlflow("http://127.0.0.1:9", "demo")


def test_a_row_from_a_run() -> None:
    row = trial_row("a", TRIAL)
    assert row.params == {"sigma": 0.1, "network": "conv"}
    assert row.metrics == {"test/kl": 1.0, "evaluation/nll": 2.0}
    assert (row.facts["status"], row.facts["wall_s"], row.facts["epoch"]) == ("finished", 3.0, 5)


def test_of_two_runs_of_a_trial_the_older_counts() -> None:
    younger = replace(TRIAL, id="r2", start_ms=20)
    assert trial_runs([younger, TRIAL])["a"].id == "r1"
    parent = Run("p", "RUNNING", 5, None, tags={"sweeper.kind": "sweep", "sweeper.sweep": "s"})
    assert [t["id"] for t in sweeps([parent, TRIAL], "demo", "u")[0]["trials"]] == ["a"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("100", 100),
        ("true", True),
        ("conv", "conv"),
        ("null", None),
        ("0.1x", "0.1x"),
    ],
)
def test_parameters_come_back_as_they_were(text: str, value: object) -> None:
    assert parsed(text) == value
