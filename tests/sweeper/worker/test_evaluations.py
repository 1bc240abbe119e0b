"""Evaluations from the grid to storage and MLflow, at the end of a training and later."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from rich.console import Console

from analysis.sources.load import from_mlflow, from_storage
from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.grid import loading
from sweeper.storage import evaluations as evaluation_store
from sweeper.storage import ledger, paths
from sweeper.storage.signs import StopSign
from sweeper.sweep import Outcome, PlannedTrial, Sweep
from sweeper.worker import evaluating
from tests.sweeper.grids import trials_of, write_grid
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import newest, planned, prepared, small_sweep, train
from trainers.evaluations import Evaluator
from trainers.evaluations.active_units import ActiveUnits
from trainers.evaluations.nll import Nll

pytestmark = READY

GRID = """\
experiment: demo
data: digits
defaults: {{network: linear, d_z: 3, epochs: 2, batch_size: 256}}
seeds: 2
trials:
  - {{model: sigma_vae, sigma: 0.3}}
evaluate: {evaluate}
analysis: {{equivalence: {{margin: 0.07}}}}
storage: {folder}/sweeps
tracking: sqlite:///{folder}/mlflow.db
"""
FIRST = "[{denoising: {examples: 20}}, {nll: {k: 50, examples: 10}}, samples]"
LATER = FIRST[:-1] + ", active_units]"
ASKED = (Nll(k=5, examples=4), ActiveUnits())


def run_grid(folder: Path, evaluate: str) -> tuple[Sweep, Outcome]:
    sweep = loading.load(write_grid(folder, GRID.format(folder=folder, evaluate=evaluate)))
    return sweep, run(sweep, RunOptions(inline=True, live=False, console=Console(quiet=True)))


def stored(sweep: Sweep, trial: str) -> dict[str, evaluation_store.Stored]:
    return {one.name: one for one in evaluation_store.read_evaluations(sweep.storage, trial)}


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sweep, Outcome]:
    return run_grid(tmp_path_factory.mktemp("evaluated"), FIRST)


def test_a_grids_evaluations_are_in_the_storage(evaluated: tuple[Sweep, Outcome]) -> None:
    sweep, outcome = evaluated
    assert outcome.finished == outcome.trials == 2
    assert outcome.unanswered == 0
    for trial in sweep.trials:
        found = stored(sweep, trial.id)
        assert set(found) == {"denoising", "nll", "samples"}
        assert {"nll", "nll_se"} < set(found["nll"].metrics)
        assert [row["k"] for row in found["nll"].table] == [1, 10, 50]
        assert found["denoising"].epoch == 2
        pictures = found["denoising"].load_pictures()
        assert {"gaussian", "laplace", "salt_and_pepper"} == set(pictures)
        assert pictures["gaussian"].dtype == np.uint8
        path = paths.trial_folder(sweep.storage, trial.id) / "evaluations"
        content = json.loads((path / f"{found['nll'].key}.json").read_text())
        assert content["schema"] == 1
        assert content["evaluation"] == {"name": "nll", "k": 50, "examples": 10}


def test_a_grids_evaluations_are_in_mlflow(evaluated: tuple[Sweep, Outcome]) -> None:
    sweep, _ = evaluated
    view = look(sweep.tracking)
    assert set(view.statuses.values()) == {"FINISHED"}
    client = MlflowClient(tracking_uri=sweep.tracking)
    for trial in sweep.trials:
        for one in stored(sweep, trial.id).values():
            shown = {name: view.history[trial.id, name] for name in one.metrics}
            assert all(
                rows == [(2, one.time_ms, one.metrics[name])] for name, rows in shown.items()
            )
        run_id = view.runs[trial.id][0].info.run_id
        files = {file.path for file in client.list_artifacts(run_id, "evaluations")}
        assert {
            "evaluations/nll.json",
            "evaluations/denoising.json",
            "evaluations/denoising-gaussian.png",
            "evaluations/samples.json",
            "evaluations/samples-ancestral.png",
        } <= files
        tables = json.loads(view.runs[trial.id][0].data.tags["mlflow.loggedArtifacts"])
        assert {"path": "evaluations/nll.json", "type": "table"} in tables


def test_mlflow_and_storage_load_to_the_same_frames(evaluated: tuple[Sweep, Outcome]) -> None:
    """The answers of evaluations are in both histories, and what the grid declared in both."""
    sweep, _ = evaluated
    ours = from_storage(sweep.storage, "demo")
    theirs = from_mlflow(sweep.tracking, "demo")
    assert "evaluation/nll" in set(ours.history["metric"])
    pd.testing.assert_frame_equal(theirs.history, ours.history)
    pd.testing.assert_frame_equal(
        theirs.trials.assign(run_id=None).round({"wall_s": 3}), ours.trials.round({"wall_s": 3})
    )
    assert theirs.sweeps[0]["analysis"] == ours.sweeps[0]["analysis"]
    assert theirs.sweeps[0]["analysis"]["equivalence"] == {"margin": 0.07}


def test_an_evaluation_that_is_added_later_is_all_that_runs(tmp_path: Path) -> None:
    sweep, _ = run_grid(tmp_path, FIRST)
    trial = sweep.trials[0].id
    before = stored(sweep, trial)
    model = newest(sweep, sweep.trials[0])
    later, outcome = run_grid(tmp_path, LATER)
    assert [one.id for one in later.trials] == [one.id for one in sweep.trials]
    assert later.name == sweep.name
    assert (outcome.skipped, outcome.finished) == (2, 2)
    after = stored(later, trial)
    assert set(after) == {*before, "active_units"}
    assert all(after[name] == before[name] for name in before)
    assert newest(later, later.trials[0]).manifest == model.manifest
    assert model.attempt == 1
    view = look(later.tracking)
    assert set(view.statuses.values()) == {"FINISHED"}
    active = view.history[trial, "active_units"]
    assert [(step, value) for step, _, value in active] == [
        (2, after["active_units"].metrics["active_units"])
    ]
    assert not view.repeated


def test_a_model_from_storage_answers_as_it_did_when_it_was_trained(tmp_path: Path) -> None:
    """Asked later, it gives the same numbers to the last bit."""
    at_once = small_sweep(tmp_path / "at_once", planned_asked(*ASKED))
    later = small_sweep(tmp_path / "later", planned())
    train(at_once)
    train(later)
    asked = small_sweep(tmp_path / "later", planned_asked(*ASKED))
    news = train(asked)
    assert [event.phase for event in news][-1] == "finished"
    first, second = (stored(sweep, sweep.trials[0].id) for sweep in (at_once, asked))
    assert {name: dict(one.metrics) for name, one in first.items()} == {
        name: dict(one.metrics) for name, one in second.items()
    }


def planned_asked(*evaluate: Evaluator) -> PlannedTrial:
    return replace(planned(), evaluate=evaluate)


def test_an_evaluation_that_fails_harms_nothing_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small_sweep(tmp_path, planned_asked(*ASKED))
    trial = sweep.trials[0]

    def broken(*_: object) -> None:
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as patched:
        patched.setattr(Nll, "evaluate", broken)
        news = train(sweep)
    assert news[-1].phase == "finished"
    assert "no evaluation 'nll': RuntimeError: the disk is on fire" in str(news[-1].note)
    assert newest(sweep, trial).progress.status == "finished"
    assert set(stored(sweep, trial.id)) == {"active_units"}
    assert train(sweep)[-1].note is None
    assert set(stored(sweep, trial.id)) == {"active_units", "nll"}


def test_a_run_says_which_evaluations_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(Nll, "evaluate", broken)
        _, outcome = run_grid(tmp_path, FIRST)
    assert (outcome.finished, outcome.unanswered) == (2, 2)
    _, outcome = run_grid(tmp_path, FIRST)
    assert (outcome.skipped, outcome.unanswered) == (2, 0)


def test_the_stop_sign_leaves_the_rest_to_the_next_run(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned())
    train(sweep)
    asked = small_sweep(tmp_path, planned_asked(*ASKED))
    job = prepared(asked)[0]
    StopSign(job.sweep).put_up()
    assert (
        evaluating.answer(job, job.trials[0], lambda: evaluating.load_trained(job, job.trials[0]))
        is None
    )
    assert stored(asked, asked.trials[0].id) == {}


def test_a_worker_that_dies_while_it_evaluates_leaves_the_trial_finished(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned())
    train(sweep)
    ledger.write_failure(sweep.storage, sweep.trials[0].id, "the worker died 4 times")
    assert newest(sweep, sweep.trials[0]).progress.status == "finished"


HEAD = """\
experiment: test
data: digits
defaults: {network: linear, d_z: 2, epochs: 2}
seeds: 1
"""


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        ("nll", "must be a list, not"),
        ("[bounce]", "unknown evaluation 'bounce'; did you mean 'bounds'"),
        ("[{nll: {kk: 5}}]", "unknown key 'kk'"),
        ("[{nll: {k: 0}}]", "must be at least 1, not 0"),
        ("[{nll: {k: [5, 6]}}]", "must be a whole number"),
        ("[{nll: 5}]", "must be a mapping"),
        ("[{nll: {}, bounds: {}}]", "must be a name, or one name with its fields"),
        ("[nll, {nll: {k: 5}}]", "nll appears twice"),
        ("[{smoothing: {n: 10}}]", "Smoothing.n must be at least 427"),
        ("[bounds]", "dvae or diwae"),
        ("[{denoising: {gaussian: [0.1, -1]}}]", "must be greater than 0, not -1"),
    ],
)
def test_a_list_that_cannot_be_is_refused_with_its_line(evaluate: str, message: str) -> None:
    grid = HEAD + f"trials:\n  - {{model: sigma_vae, sigma: 0.1}}\nevaluate: {evaluate}\n"
    with pytest.raises(UserError, match=message) as refused:
        trials_of(grid)
    assert refused.value.line == 7


def test_a_block_may_have_a_list_of_its_own() -> None:
    blocks = (
        "trials:\n  - {model: sigma_vae, sigma: 0.1}\n"
        "  - {model: deen, sigma: 0.1, network: quadratic%s}\nevaluate: [nll]\n"
    )
    with pytest.raises(UserError, match=r"no likelihood; ask one of .*line 7, an `evaluate` of"):
        trials_of(HEAD.replace(", d_z: 2", "") + blocks % "")
    trials = trials_of(HEAD.replace(", d_z: 2", "") + blocks % ", evaluate: [denoising]")
    assert [[one.name for one in trial.evaluate] for trial in trials] == [["nll"], ["denoising"]]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (
            "{samplers: [walk_jump]}",
            "the sampler 'walk_jump' walks on an energy of noisy data, and "
            "the objective 'elbo' learns none; use the sampler 'ancestral', or train "
            "one of deen, uvb",
        ),
        (
            "{samplers: [walk]}",
            "must be of ancestral, langevin, nebula, walk_jump, and has 'walk'",
        ),
        ("{delta: -1.0, samplers: [nebula]}", "Nebula.delta must be greater than 0, not -1.0"),
        ("{jumps: 3}", "Samples.jumps is a field of walk_jump, and the samplers are ancestral"),
        ("{jumps: 3.5}", "must be a whole number"),
        ("{start: zero}", "must be one of 'uniform', 'noisy', not 'zero'"),
    ],
)
def test_a_sampler_that_means_nothing_is_refused_by_the_plan(
    asked: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(
        tmp_path,
        HEAD + f"trials:\n  - {{model: sigma_vae, sigma: 0.1}}\nevaluate:\n  - samples: {asked}\n",
    )
    assert main(["plan", str(grid)]) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert reason in error
    assert f"{grid}:8" in error


def test_evaluations_are_no_part_of_a_trial() -> None:
    blocks = "trials:\n  - {model: sigma_vae, sigma: 0.1}\n"
    (plain,) = trials_of(HEAD + blocks)
    (asked,) = trials_of(HEAD + blocks + "evaluate: [nll]\n")
    assert asked.id == plain.id
    assert asked.to_json() == plain.to_json()
