"""A sweep in MLflow's own pages: the trials below it, charts, comparison, artifacts and models."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from cluster.mlflow_server import free_port
from tests.conftest import PATIENCE
from tests.sweeper.mlflow_view import THIRD_PARTY, look

pytestmark = [pytest.mark.browser, *THIRD_PARTY]

GRID = """
experiment: pages
data: {name: digits}
defaults: {network: linear, d_z: 4, epochs: 2, batch_size: 256, lr: 1e-2}
seeds: 2
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2, 0.4]}
"""
SETTINGS = """
localStorage.setItem('mlflow.assistant.panelOpen_v1', 'false');
localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');
"""
MACHINE_LEARNING = "workflowType=machine_learning"


@dataclass(frozen=True)
class Site:
    """MLflow's pages on a store, and what the store holds; `shots` is a folder for pictures.

    shown : the page that `sweeper ui` names.
    """

    address: str
    shown: str
    experiment: str
    parent: Run
    trials: list[Run]
    page: Any
    shots: Path

    def open(self, place: str) -> None:
        """Open a page of the experiment."""
        self.page.goto(f"{self.address}/#/{place}", wait_until="commit")

    def shoot(self, name: str) -> None:
        """Keep a picture of the page, for whoever runs this test by hand."""
        self.page.screenshot(path=self.shots / f"{name}.png")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("pages")
    (folder / "grid.yaml").write_text(GRID)
    program = [sys.executable, "-P", "-m", "sweeper"]
    run = [*program, "run", "grid.yaml", "--inline", "--json"]
    done = subprocess.run(run, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    seen = look(f"sqlite:///{folder}/mlflow.db", "pages")
    [parent] = seen.parents
    trials = [run for [run] in seen.runs.values()]
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    page.add_init_script(SETTINGS)
    page.set_default_timeout(PATIENCE)
    serve = [*program, "ui", "--port", str(free_port())]
    with subprocess.Popen(serve, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline().split()
            assert said[:3] == ["MLflow", "answers", "at"]
            shown = server.stdout.readline().split()[1]
            yield Site(said[3], shown, parent.info.experiment_id, parent, trials, page, folder)
        finally:
            server.terminate()


def unfolded(site: Site) -> None:
    """The runs of the experiment, with the trials below their sweep."""
    site.open(f"experiments/{site.experiment}/runs?{MACHINE_LEARNING}")
    site.page.get_by_text(site.parent.info.run_name).first.wait_for()
    button = site.page.locator('[data-component-id*="runnamecellrenderer"]').first
    if not site.page.get_by_text(site.trials[0].info.run_name).count():
        button.click()
    site.page.get_by_text(site.trials[0].info.run_name).first.wait_for()


def test_the_page_that_ui_names_shows_trials_with_what_varies_and_metrics(site: Site) -> None:
    runs = f"experiments/{site.experiment}/runs?{MACHINE_LEARNING}"
    assert site.shown == f"{site.address}/#/{runs}&viewStateShareKey=trials"
    site.page.goto(site.shown, wait_until="commit")
    for run in site.trials:
        site.page.get_by_text(run.info.run_name).first.wait_for()
    for column in ("params.`sigma`", "params.`seed`", "metrics.`test/kl`"):
        site.page.locator(f'[role=gridcell][col-id="{column}"]').first.wait_for()
    assert not site.page.get_by_text(site.parent.info.run_name).count(), "sweeps are folded away"
    cells = '.ag-center-cols-container [col-id="metrics.`test/kl`"]'
    site.page.wait_for_function(
        "cells => [...document.querySelectorAll(cells)].filter(one => one.innerText).length == 6",
        arg=cells,
    )
    values = [float(text.rstrip("…")) for text in site.page.locator(cells).all_inner_texts()]
    assert values == sorted(values)
    site.shoot("first")


def test_the_sweeps_description_shows_the_picture_of_its_law(site: Site) -> None:
    run = site.parent.info.run_id
    site.open(f"experiments/{site.experiment}/runs/{run}?{MACHINE_LEARNING}")
    site.page.get_by_text("Show more").first.click()
    site.page.wait_for_function(
        "[...document.images].some(image => image.src.includes('law.svg') && image.naturalWidth)"
    )
    site.shoot("parent")


def test_a_sweep_unfolds_into_its_trials(site: Site) -> None:
    unfolded(site)
    names = [run.info.run_name for run in site.trials]
    assert len(set(names)) == 6
    assert all(name.startswith(("σ=0.1 s", "σ=0.2 s", "σ=0.4 s")) for name in names), (
        "what varies is first"
    )
    for name in names:
        site.page.get_by_text(name).first.wait_for()
    site.shoot("runs")


def test_the_charts_show_the_metrics_of_the_trials(site: Site) -> None:
    unfolded(site)
    site.page.locator("label:has(input[value=CHART])").click()
    site.page.locator(".js-plotly-plot .main-svg").first.wait_for()
    site.page.get_by_text("test/kl").first.wait_for()
    site.shoot("charts")


def test_two_trials_are_compared(site: Site) -> None:
    first, second = site.trials[:2]
    runs = json.dumps([first.info.run_id, second.info.run_id], separators=(",", ":"))
    experiments = json.dumps([site.experiment])
    site.open(f"compare-runs?runs={runs}&experiments={experiments}&{MACHINE_LEARNING}")
    site.page.get_by_text("Comparing 2 Runs from 1 Experiment").wait_for()
    for run in (first, second):
        site.page.get_by_text(run.info.run_name).first.wait_for()
    site.shoot("compared")


def test_a_trials_pictures_and_log_are_among_its_artifacts(site: Site) -> None:
    run = site.trials[0].info.run_id
    site.open(f"experiments/{site.experiment}/runs/{run}/artifacts?{MACHINE_LEARNING}")
    site.page.get_by_text("gallery.png").first.click()
    site.page.wait_for_function(
        "[...document.images].some(image => image.src.startsWith('blob:') && image.naturalWidth)"
    )
    site.shoot("gallery")
    site.page.get_by_text("worker.log").first.click()
    site.page.get_by_text("epoch 2, step").first.wait_for()
    site.shoot("log")


def test_the_best_model_is_among_the_models(site: Site) -> None:
    site.open(f"experiments/{site.experiment}/models?{MACHINE_LEARNING}")
    site.page.get_by_text("Ready", exact=True).first.wait_for()
    site.shoot("models")
    store = f"sqlite:///{site.shots}/mlflow.db"
    [model] = MlflowClient(store).search_logged_models([site.experiment])
    assert model.source_run_id in {run.info.run_id for run in site.trials}
    assert model.status.name == "READY"
