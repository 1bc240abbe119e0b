"""What a grid declares before its run is registered, and a report says whether it still holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.sources import load
from analysis.sources.one_sweep import of_sweep
from analysis.sources.registration import Registration, registration
from sweeper.cli import main
from sweeper.commands.report import declared
from sweeper.commands.shared import settings
from sweeper.grid import loading
from sweeper.storage import ledger
from sweeper.storage.registration import registration as of_grid
from sweeper.sweep import Sweep
from tests.sweeper.grids import grid_text, write_grid
from tests.sweeper.small import train

BLOCK = "{model: sigma_vae, sigma: [0.1, 0.2, 0.3]}"


def loaded(folder: Path, high: float = 0.3, stem: str = "grid", more: str = "") -> Sweep:
    folder.mkdir(exist_ok=True)
    law = f"{{law: {{x: sigma, y: test/kl, range: [0.1, {high}]}}}}"
    text = grid_text(BLOCK) + f"analysis: {law}\n{more}"
    path = write_grid(folder, text).rename(folder / f"{stem}.yaml")
    return loading.load(path, storage=str(folder / "sweeps"), tracking="sqlite:///mlflow.db")


def read(sweep: Sweep) -> Registration:
    found = registration(load.from_storage(sweep.storage, sweep.experiment).sweeps)
    assert found
    return found


def test_what_a_plan_prints_is_what_a_report_finds(tmp_path: Path) -> None:
    sweep = loaded(tmp_path, more="until: {nu_halfwidth: 0.5, max_seeds: 9}\n")
    ledger.write_sweep(sweep, {})
    found = read(sweep)
    assert found.id == found.now == of_grid(sweep)
    assert found.holds
    said = f"Trials, law and margin were registered before the run ({found.id}); unchanged since."
    assert found.sentence() == said


def test_a_law_that_changes_after_the_first_run_is_post_hoc(tmp_path: Path) -> None:
    first = loaded(tmp_path)
    ledger.write_sweep(first, {})
    train(first)
    second = loaded(tmp_path, high=0.2)
    assert second.name == first.name
    ledger.write_sweep(second, {})
    found = read(second)
    assert (found.id, found.now) == (of_grid(first), of_grid(second))
    assert found.sentence().endswith(f"changed since, to {found.now}: the law.")
    sweeps = load.from_storage(second.storage, second.experiment).sweeps
    law = settings(declared(sweeps), sweeps=sweeps).law
    assert law
    assert law.post_hoc == "the law was declared after the run"
    ledger.write_sweep(first, {})
    assert read(first).holds


def test_a_grid_that_is_written_after_the_training_is_post_hoc(tmp_path: Path) -> None:
    first = loaded(tmp_path)
    train(first)
    ledger.write_sweep(loaded(tmp_path, high=0.2, stem="later"), {})
    found = registration(load.from_storage(first.storage, first.experiment).sweeps)
    assert found
    assert not found.holds
    assert found.sentence().startswith(
        f"6 trials of the experiment had finished before this registration, {found.id}; the law "
        "was not declared before those, and is post hoc"
    )
    assert found.post_hoc("law")


@pytest.mark.parametrize(("high", "changed"), [(0.3, False), (0.2, True)])
def test_a_later_grid_of_the_experiment_keeps_what_the_first_one_declared(
    tmp_path: Path, high: float, changed: bool
) -> None:
    """The results that a new law is mostly fitted to may have been seen."""
    first = loaded(tmp_path)
    ledger.write_sweep(first, {})
    train(first)
    text = (tmp_path / "grid.yaml").read_text("utf-8").replace("[0.1, 0.2, 0.3]", "[0.15, 0.25]")
    path = tmp_path / "later.yaml"
    path.write_text(text.replace("range: [0.1, 0.3]", f"range: [0.1, {high}]"), "utf-8")
    second = loading.load(path, storage=str(first.storage), tracking="sqlite:///mlflow.db")
    ledger.write_sweep(second, {})
    found = read(second)
    alone = of_sweep(load.from_storage(second.storage, second.experiment), second.name)
    assert registration(alone.sweeps) == found
    assert found.finished == 6
    assert found.post_hoc("law") is changed
    assert not found.post_hoc("equivalence")
    end = (
        "the law was not declared before those, and is post hoc; unchanged since."
        if changed
        else "law and margin had been declared before those; unchanged since."
    )
    assert found.sentence().endswith(end)


def test_a_sweep_from_before_registrations_has_none() -> None:
    assert registration([]) is None
    assert registration([{"sweep": "grid-12345678", "analysis": {}}]) is None


def test_plan_prints_it_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = loaded(tmp_path)
    assert main(["plan", str(tmp_path / "grid.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["registration"] == of_grid(sweep)
    assert main(["plan", str(tmp_path / "grid.yaml")]) == 0
    [line] = [one for one in capsys.readouterr().out.splitlines() if one.startswith("register")]
    assert of_grid(sweep) in line
