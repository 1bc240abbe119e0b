"""An experiment of several sweeps, narrowed to the trials of one grid."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.figures.drawing.view import look
from analysis.report.parts.provenance import facts, headline
from analysis.sources.load import from_storage
from analysis.sources.one_sweep import of_sweep
from analysis.sources.schema import Experiment
from tests.analysis.sweep_folder import SweepFolder

OLD, BOTH, NEW = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    """Two sweeps that share a trial, which is a twin in the newer one."""
    folder = SweepFolder(tmp_path)
    for place, name in enumerate((OLD, BOTH, NEW)):
        folder.trial(name, {"model": "sigma_vae", "sigma": 0.1 * (place + 1), "seed": 0})
        folder.commit(name, 2, {"test/kl": 1.0 + place})
    folder.evaluation(OLD, "nll", {"metrics": {"nll": 1.0}, "table": [{"k": 1}]})
    old, both, new = folder.entries
    folder.entries = [old, both]
    folder.sweep("first", "2026-01-01T00:00:00+00:00")
    folder.entries = [both | {"role": "twin", "twin_of": NEW}, new]
    folder.sweep("second", "2026-01-02T00:00:00+00:00")
    return from_storage(tmp_path, "demo")


def test_it_has_the_trials_of_the_newest_sweep_alone(experiment: Experiment) -> None:
    found = of_sweep(experiment)
    assert len(experiment.trials) == 3
    assert list(found.trials["trial"]) == [BOTH, NEW]
    assert list(found.trials["role"]) == ["twin", "declared"], "as the newest sweep has it"
    assert list(found.trials["twin_of"]) == [NEW, None]
    assert set(found.history["trial"]) == {BOTH, NEW}
    assert [sweep["sweep"] for sweep in found.sweeps] == ["second"]
    assert experiment.evaluations.keys() == {"nll"}
    assert found.evaluations == {}
    assert found.other_sweeps == ("first",)


def test_a_sweep_may_be_named(experiment: Experiment) -> None:
    found = of_sweep(experiment, "first")
    assert list(found.trials["trial"]) == [OLD, BOTH]
    assert list(found.trials["role"]) == ["declared", "declared"]
    assert found.other_sweeps == ("second",)


def test_an_experiment_of_one_sweep_stays_as_it_is(experiment: Experiment) -> None:
    found = of_sweep(experiment)
    assert of_sweep(found) is found
    pd.testing.assert_frame_equal(of_sweep(experiment, "unknown").trials, experiment.trials)


def test_the_report_says_what_it_leaves_out(experiment: Experiment) -> None:
    found = of_sweep(experiment)
    assert facts(found)["other sweeps"] == "first (in the report of `sweeper report demo --all`)"
    assert "the newest of 2 sweeps" in headline(look(found, None, 0.1, None))
    assert "other sweeps" not in facts(experiment)
