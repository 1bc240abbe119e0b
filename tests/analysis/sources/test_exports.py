"""Exported tables: their rows, their order, and the runs that they name."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.sources.exports import export, long_table
from analysis.sources.load import from_storage
from analysis.sources.schema import Experiment
from tests.analysis.sweep_folder import planted


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    folder = planted(tmp_path / "sweeps")
    evaluated = folder.entries[0]["id"]
    folder.evaluation(evaluated, "nll", {"metrics": {"nll": 12.5}})
    return from_storage(tmp_path / "sweeps", "demo")


def test_export_writes_parquet_and_csv(experiment: Experiment, tmp_path: Path) -> None:
    paths = export(experiment, tmp_path / "out")
    assert [path.name for path in paths] == [
        "trials.parquet",
        "trials.csv",
        "history.parquet",
        "history.csv",
    ]
    table = pd.read_csv(tmp_path / "out" / "trials.csv").sort_values("trial")
    assert table["test/kl"].to_numpy() == pytest.approx(experiment.trials["test/kl"].to_numpy())
    assert len(pd.read_parquet(tmp_path / "out" / "history.parquet")) == len(experiment.history)


def test_rows_are_in_the_order_of_the_settings(experiment: Experiment, tmp_path: Path) -> None:
    export(experiment, tmp_path)
    trials = pd.read_csv(tmp_path / "trials.csv")
    assert trials[["sigma", "seed"]].to_numpy().tolist() == [
        [sigma, seed] for sigma in (0.05, 0.1, 0.15, 0.2, 0.25) for seed in (1, 2, 3)
    ]
    history = pd.read_csv(tmp_path / "history.csv")
    assert list(history["trial"].unique()) == list(trials["trial"])
    assert history["seed"].dtype == "int64", "a seed is 1, and not 1.0"


def test_the_long_table_has_a_row_for_each_trial_epoch_and_metric(
    experiment: Experiment, tmp_path: Path
) -> None:
    paths = export(experiment, tmp_path, long=True)
    table = long_table(experiment)
    assert [path.name for path in paths[-2:]] == ["long.parquet", "long.csv"]
    assert list(table.columns) == [
        "trial", "run_id", "label", "status", "role", "sigma", "seed", "epoch", "metric", "value",
    ]  # fmt: skip
    assert len(table) == 15 * 3 * 4 + 1
    assert not table.duplicated(["trial", "epoch", "metric"]).any()
    [asked] = table[table["metric"] == "evaluation/nll"].to_dict("records")
    assert (asked["epoch"], asked["value"], asked["sigma"]) == (0, 12.5, 0.05)
    read = pd.read_parquet(tmp_path / "long.parquet")
    pd.testing.assert_frame_equal(read, table, check_dtype=False)  # text is read as `str`
