"""A report while its sweep runs: what is there is drawn, and one line says what is awaited."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import report
from analysis.figures import learning_curves
from analysis.figures.drawing.view import look
from analysis.report.parts import gallery
from analysis.sources import load
from tests.analysis import storage_fixture as planted
from tests.analysis.sweep_folder import SweepFolder

SIGMAS = (0.1, 0.2, 0.4)


def begun(folder: Path, *committed: tuple[str, int, str]) -> SweepFolder:
    """Three noise levels with two seeds each, of which some have commits: epoch and status."""
    made = SweepFolder(folder)
    for sigma in SIGMAS:
        for seed in (0, 1):
            params = {"model": "sigma_vae", "sigma": sigma, "beta": 1.0, "seed": seed}
            made.trial(f"{sigma}-{seed}", params)
    for name, epoch, status in committed:
        made.commit(name, epoch, {"test/kl": 9.0, "test/recon": 3.0}, status=status)
    made.sweep()
    return made


def written(folder: Path) -> tuple[str, dict[str, Any]]:
    """The page and the numbers of the report on a folder."""
    path = report.write(load.from_storage(folder, "demo"), folder / "out")
    return path.read_text("utf-8"), json.loads((folder / "out" / "report.json").read_text("utf-8"))


def test_a_picture_says_what_varies_though_its_likes_have_not_finished(tmp_path: Path) -> None:
    """All finished trials have d_z = 5, so their family is named by its model alone."""
    storage = planted.write(tmp_path, list(planted.sigma_trials(2)))
    loaded = load.from_storage(storage, "imaginary-noise")
    later = loaded.trials["seed"] == 1
    trials = loaded.trials.assign(d_z=np.where(later, 50, 5))
    waiting = trials.assign(status=np.where(later, "pending", trials["status"]))
    for found, label, note in (
        (waiting, "σ-VAE", "d_z = 5, seed 0, "),
        (trials, "σ-VAE, d_z = 5", "seed 0, "),
        (loaded.trials, "σ-VAE", "seed 0, "),
    ):
        view = look(replace(loaded, trials=found), None, 0.1, None)
        first = gallery.part(view).blocks[0]
        assert first.title == label
        assert all(level.note.startswith(note) for level in first.content["levels"])
        steps = [level.label for level in first.content["levels"]]
        assert len(set(steps)) == len(steps) > 3


RUNNING = (("0.1-0", 5, "running"), ("0.4-0", 2, "running"))


@pytest.mark.parametrize("committed", [(), RUNNING])
def test_a_page_at_its_start_says_once_what_is_awaited(
    tmp_path: Path, committed: tuple[tuple[str, int, str], ...]
) -> None:
    begun(tmp_path, *committed)
    page, numbers = written(tmp_path)
    assert numbers["answer"].startswith("No trial of 6 has finished yet: ")
    assert page.count("No trial of 6 has finished yet") == 1
    assert "6 trials · 2 seeds" in page
    assert 'class="absent"' not in page
    assert "No law" not in page
    assert "Scaling laws" not in page
    assert "Trials that are not finished" not in page, "the table of all trials says so"
    assert ("Learning curves" in page) == bool(committed)


def test_curves_of_trials_in_training_are_drawn_as_far_as_they_are(tmp_path: Path) -> None:
    begun(tmp_path, *RUNNING)
    view = look(load.from_storage(tmp_path, "demo"), None, 0.1, None)
    data = learning_curves.info(view)
    last = data.table.groupby("level")["epoch"].max()
    assert dict(last) == {0.1: 5, 0.4: 2}
    assert "Of 2 settings no trial has finished yet." in data.caption
    lines = [one for one in learning_curves.draw(data).data if len(one.x) > 1]
    assert len(lines) == 4


def test_a_setting_with_a_finished_trial_is_the_mean_of_these_alone(tmp_path: Path) -> None:
    """A seed that is still trained has not had its last epochs, and would bend the mean."""
    begun(tmp_path, ("0.1-0", 5, "finished"), ("0.1-1", 3, "running"), ("0.2-0", 4, "running"))
    view = look(load.from_storage(tmp_path, "demo"), None, 0.1, None)
    data = learning_curves.info(view)
    assert dict(data.table.groupby("level")["n"].max()) == {0.1: 1, 0.2: 1}
    assert dict(data.table.groupby("level")["epoch"].max()) == {0.1: 5, 0.2: 4}
    assert "Of 1 setting no trial has finished yet." in data.caption
