"""Loading from storage: the newest valid commit counts, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.sources.load import from_storage
from analysis.sources.schema import HISTORY, RESERVED, metric_columns, param_columns
from tests.analysis.sweep_folder import SweepFolder, planted


def test_frames_have_one_row_a_trial_and_one_row_a_value(tmp_path: Path) -> None:
    planted(tmp_path)
    experiment = from_storage(tmp_path, "demo")
    trials, history = experiment.trials, experiment.history
    assert len(trials) == 15
    assert tuple(trials.columns[: len(RESERVED)]) == RESERVED
    assert param_columns(trials) == [
        "beta",
        "d_z",
        "data",
        "epochs",
        "model",
        "network",
        "seed",
        "sigma",
    ]
    assert metric_columns(trials) == ["test/elbo", "test/kl", "test/recon", "train/kl"]
    assert tuple(history.columns) == HISTORY
    assert len(history) == 15 * 3 * 4
    final = history[(history["metric"] == "test/kl") & (history["step"] == 3)]
    assert final["value"].to_numpy() == pytest.approx(trials["test/kl"].to_numpy())


def test_spectrum_is_found_by_checksum(tmp_path: Path) -> None:
    planted(tmp_path)
    experiment = from_storage(tmp_path, "demo")
    spectrum = experiment.spectra[experiment.trials["checksum"].iloc[0]]
    assert (spectrum.name, spectrum.dims, spectrum.shape) == ("digits", 64, (1, 8, 8))
    assert spectrum.eigenvalues.shape == (64,)


def one_trial(root: Path) -> SweepFolder:
    folder = SweepFolder(root)
    folder.trial("a" * 16, {"model": "sigma_vae", "sigma": 0.1, "seed": 1})
    folder.sweep()
    return folder


def test_newest_epoch_of_newest_attempt_with_a_valid_commit_counts(tmp_path: Path) -> None:
    folder = one_trial(tmp_path)
    folder.commit("a" * 16, 9, {"test/kl": 1.0}, attempt=1)
    folder.commit("a" * 16, 5, {"test/kl": 2.0}, attempt=2, status="running")
    folder.commit("a" * 16, 10, {"test/kl": 3.0}, attempt=2, status="running")
    trials = from_storage(tmp_path, "demo").trials
    assert trials.loc[0, "test/kl"] == 3.0
    assert (trials.loc[0, "status"], trials.loc[0, "epoch"]) == ("running", 10)


@pytest.mark.parametrize("damage", ["manifest", "size", "missing"])
def test_torn_commits_are_ignored(tmp_path: Path, damage: str) -> None:
    folder = one_trial(tmp_path)
    folder.commit("a" * 16, 4, {"test/kl": 1.0})
    torn = folder.commit("a" * 16, 8, {"test/kl": 2.0}, attempt=2)
    if damage == "manifest":
        (torn / "manifest.json").write_text("{")
    elif damage == "size":
        (torn / "records.json").write_text("[]")
    else:
        (torn / "records.json").unlink()
    trials = from_storage(tmp_path, "demo").trials
    assert (trials.loc[0, "test/kl"], trials.loc[0, "epoch"]) == (1.0, 4)


def test_a_trial_without_a_commit_is_pending(tmp_path: Path) -> None:
    one_trial(tmp_path)
    experiment = from_storage(tmp_path, "demo")
    assert experiment.trials.loc[0, "status"] == "pending"
    assert experiment.history.empty
    assert tuple(experiment.history.columns) == HISTORY


def test_null_is_nan(tmp_path: Path) -> None:
    folder = one_trial(tmp_path)
    folder.commit("a" * 16, 2, {"test/kl": None}, status="failed")
    experiment = from_storage(tmp_path, "demo")
    assert np.isnan(experiment.trials.loc[0, "test/kl"])
    assert experiment.history["value"].isna().all()


def test_declared_in_one_sweep_wins_over_twin_in_another(tmp_path: Path) -> None:
    folder = one_trial(tmp_path)
    folder.entries = [{"id": "a" * 16, "role": "twin", "twin_of": "b", "label": "x"}]
    folder.sweep("s2")
    trials = from_storage(tmp_path, "demo").trials
    assert list(trials["role"]) == ["declared"]
    assert list(trials["twin_of"]) == ["b"]


def test_evaluations_become_metrics_and_tables(tmp_path: Path) -> None:
    folder = one_trial(tmp_path)
    folder.commit("a" * 16, 2, {"test/kl": 1.0})
    folder.evaluation(
        "a" * 16,
        "nll-5",
        {"metrics": {"nll": 90.0, "nll/se": 0.1}, "table": [{"k": 5, "nll": 90.0}]},
    )
    experiment = from_storage(tmp_path, "demo")
    assert experiment.trials.loc[0, "evaluation/nll"] == 90.0
    assert experiment.trials.loc[0, "nll/se"] == 0.1
    assert list(experiment.evaluations["nll-5"]["trial"]) == ["a" * 16]


def test_gallery_is_looked_up_by_trial(tmp_path: Path) -> None:
    folder = one_trial(tmp_path)
    folder.evaluation("a" * 16, "x", {"metrics": {}})
    pictures = np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8)
    np.savez(tmp_path / "trials" / ("a" * 16) / "evaluations" / "gallery.npz", clean=pictures)
    experiment = from_storage(tmp_path, "demo")
    found = experiment.galleries("a" * 16)
    assert found is not None
    assert (found["clean"] == pictures).all()
    assert experiment.galleries("b" * 16) is None


def test_unknown_experiment_names_the_known_ones(tmp_path: Path) -> None:
    planted(tmp_path)
    with pytest.raises(AnalysisError, match=r"no experiment 'nope'.*demo"):
        from_storage(tmp_path, "nope")
    with pytest.raises(AnalysisError, match="no storage"):
        from_storage(tmp_path / "nowhere", "demo")


def test_cache_gives_the_same_frames_and_follows_changes(tmp_path: Path) -> None:
    folder = planted(tmp_path / "sweeps")
    cache = tmp_path / "cache"
    fresh = from_storage(tmp_path / "sweeps", "demo")
    for _ in range(2):
        cached = from_storage(tmp_path / "sweeps", "demo", cache)
        pd.testing.assert_frame_equal(cached.trials, fresh.trials)
        pd.testing.assert_frame_equal(cached.history, fresh.history)
    folder.commit(folder.entries[0]["id"], 6, {"test/kl": 77.0})
    cached = from_storage(tmp_path / "sweeps", "demo", cache)
    fresh = from_storage(tmp_path / "sweeps", "demo")
    assert 77.0 in set(cached.trials["test/kl"])
    pd.testing.assert_frame_equal(cached.trials, fresh.trials)
    pd.testing.assert_frame_equal(cached.history, fresh.history)


def test_a_torn_cache_is_only_slow(tmp_path: Path) -> None:
    planted(tmp_path / "sweeps")
    from_storage(tmp_path / "sweeps", "demo", tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*.parquet"):
        path.write_bytes(b"torn")
    assert len(from_storage(tmp_path / "sweeps", "demo", tmp_path / "cache").trials) == 15


def test_reading_leaves_storage_as_it_was(tmp_path: Path) -> None:
    planted(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    from_storage(tmp_path, "demo")
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert json.loads((tmp_path / "datasets" / "c0ffee.json").read_text())["dims"] == 64
