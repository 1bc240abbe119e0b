"""Trials are trained on until ν is at rest: planted histories, and a small sweep."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from analysis import report
from analysis.sources.load import from_mlflow, from_storage
from sweeper.adaptive import convergence
from sweeper.adaptive.convergence import converged_step
from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.grid import loading
from sweeper.grid.lengths import epochs_of, train_on
from sweeper.storage import paths
from sweeper.storage.paths import trial_folder
from sweeper.sweep import Outcome, Sweep
from tests.sweeper.grids import trials_of, write_grid
from tests.sweeper.mlflow_view import READY
from trainers.checkpoint import commits

pytestmark = READY

GRID = """\
experiment: converged
data: digits
defaults: {network: linear, d_z: 4, epochs: 5, batch_size: 256, extendable: true, lr: 1e-3}
seeds: 2
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2, 0.3]}
until: {converged: 1e-9, max_epochs: 12}
"""


def load(folder: Path, text: str = GRID) -> Sweep:
    path = write_grid(folder, text)
    return loading.load(path, storage=str(folder / "s"), tracking=f"sqlite:///{folder}/mlflow.db")


def path_of(sweep: Sweep) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(paths.sweep_file(sweep).read_bytes())["until"]["path"]
    return found


def test_a_trial_that_is_trained_on_is_the_trial_of_a_grid_with_more_epochs() -> None:
    """Twins and merged trials refer to the longer ones."""
    for more in ("", "  - {model: sigma_vae, sigma: 0.1, beta: [4, 9]}\naliases: %s\n"):
        for how in ("verify", "merge"):
            text = GRID.replace("until:", f"{more % how if more else ''}until:")
            short, long = trials_of(text), trials_of(text.replace("epochs: 5", "epochs: 10"))
            sweep = Sweep("converged", "c-1", short, "", Path("s"), "sqlite:///m.db")
            grown = train_on(sweep, 10)
            assert grown.trials == long
            assert epochs_of(grown) == 10


def planted(fall: float) -> Callable[[Sweep], tuple[pd.DataFrame, pd.DataFrame]]:
    """Frames in which ν falls by `fall` in every fifth of the training that a sweep has had."""

    def results(sweep: Sweep) -> tuple[pd.DataFrame, pd.DataFrame]:
        rng, epochs = np.random.default_rng(4), epochs_of(sweep)
        level = {seed: 1.2 + 0.02 * rng.standard_normal() for seed in range(9)}
        rows = [
            {
                "trial": trial.id,
                "metric": "test/kl",
                "step": epoch,
                "value": 3
                * float(trial.params["sigma"])
                ** -(level[int(trial.params["seed"])] + 5 * fall * (1 - epoch / epochs)),
                "status": "finished",
                "role": "declared",
                "sigma": float(trial.params["sigma"]),
                "seed": int(trial.params["seed"]),
            }
            for trial in sweep.trials
            for epoch in range(1, epochs + 1)
        ]
        history = pd.DataFrame(rows)
        last = history[history["step"] == epochs].rename(columns={"value": "test/kl"})
        trials = last.drop(columns=["metric", "step"])
        return trials, history[["trial", "seed", "metric", "step", "value"]]

    return results


@pytest.mark.parametrize(
    ("fall", "epochs", "end", "then"),
    [
        (0.008, 20, "met", 20),
        (0.012, 20, None, 40),
        (0.012, 120, None, 200),
        (0.012, 200, "budget", 200),
        (0.008, 200, "met", 200),
    ],
)
def test_the_interval_of_the_change_decides(
    fall: float,
    epochs: int,
    end: str | None,
    then: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(convergence, "own_results", planted(fall))
    text = GRID.replace("1e-9, max_epochs: 12", "0.01, max_epochs: 200").replace(
        "seeds: 2", "seeds: 5"
    )
    step, grown = converged_step(train_on(load(tmp_path, text), epochs))
    assert (step["end"], step["epochs"], epochs_of(grown)) == (end, epochs, then)
    assert step["change"] == pytest.approx(-fall)
    assert step["change_low"] <= step["change"] <= step["change_high"]


def run_inline(sweep: Sweep, screen: io.StringIO | None = None) -> Outcome:
    console = Console(file=screen or io.StringIO(), width=200)
    return run(sweep, RunOptions(inline=True, console=console))


@pytest.mark.slow
def test_a_sweep_goes_on_within_its_budget_and_the_report_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every longer trial goes on from the shorter one, and the same command does it again."""
    sweep, screen = load(tmp_path), io.StringIO()
    outcome = run_inline(sweep, screen)
    assert (outcome.trials, outcome.finished) == (6, 6)
    steps = path_of(sweep)
    assert [(one["epochs"], one["end"]) for one in steps] == [
        (5, None),
        (10, None),
        (12, "budget"),
    ]
    assert "trained on to 10 epochs" in screen.getvalue()
    assert "the budget of 12 epochs is spent" in screen.getvalue()
    last = train_on(sweep, 12).trials
    carried = [next(commits(trial_folder(sweep.storage, one.id))).manifest for one in last]
    assert all(one["extends"] for one in carried)
    stored = from_storage(tmp_path / "s", "converged")
    assert set(stored.trials["epochs"]) == {12}
    assert stored.history.groupby("trial")["step"].max().eq(12).all()
    tracked = from_mlflow(sweep.tracking, "converged")
    assert set(tracked.trials["trial"]) == set(stored.trials["trial"])
    said = [text for text in report.summary(stored) if text.startswith("The rule that ν")]
    assert len(said) == 1
    assert "was not met within its budget of 12 epochs" in said[0]
    again = run_inline(load(tmp_path))
    assert (again.trials, again.skipped) == (6, 6)
    assert path_of(sweep) == steps
    assert main(["plan", str(tmp_path / "grid.yaml"), "--storage", str(tmp_path / "s")]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "until ν changes by less than 1e-09 over the last fifth of training" in words
    assert "or 12 epochs: trained on as needed" in words


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max_epochs: 12", "max_epochs: 5", "below max_epochs: 5; this grid has 5"),
        ("0.3]}", "0.3], epochs: [5, 6]}", "one number of epochs for all trials"),
        ("seeds: 2", "seeds: 1", "give the grid two seeds or more"),
        ("0.3]}", "0.1]}", "a law needs three values of sigma"),
    ],
)
def test_a_rule_that_cannot_be_met_is_refused(
    old: str, new: str, words: str, tmp_path: Path
) -> None:
    text = GRID.replace(old, new).replace("sigma: [0.1, 0.2, 0.1]", "sigma: [0.1, 0.2]")
    with pytest.raises(UserError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)
