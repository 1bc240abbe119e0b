"""A report while its sweep runs: what is there is drawn, and one line says what is awaited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis import report
from analysis.figures import learning_curves
from analysis.figures.drawing.view import look
from analysis.sources import load
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
