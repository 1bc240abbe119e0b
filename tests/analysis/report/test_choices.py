"""The report says which rate was chosen at each setting, and speaks of these trials alone."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from analysis import report
from analysis.sources.schema import Experiment
from tests.analysis.comparisons.test_choice import BEST, METRIC, NONE, SWEEP, grid


def test_the_choice_is_told_and_shown(tmp_path: Path) -> None:
    experiment = Experiment("e", _whole(), NONE, sweeps=[SWEEP])
    page = report.write(experiment, tmp_path)
    found = json.loads((tmp_path / "report.json").read_text())
    [said] = [text for text in found["summary"] if text.startswith("The learning rate was chosen")]
    assert "0.001 at 2, 0.01 at 1" in said
    assert {row["sigma"]: row["lr"] for row in found["choices"]} == BEST
    assert [row["n"] for row in found["results"]] == [4, 4, 4]
    note = "the learning rate was chosen at each setting (0.001 and 0.01), for which the interval"
    (law,) = found["published"]
    assert law["chosen"].startswith(note)
    assert note in law["sentence"]
    assert f"Of our laws {note} does not allow." in page.read_text()
    assert "The learning rate that was chosen" in page.read_text()
    assert (tmp_path / "choices.csv").exists()


def test_a_choice_that_cannot_be_made_yet_is_named() -> None:
    early = Experiment("e", _whole().drop(columns=METRIC), NONE, sweeps=[SWEEP])
    [said] = [text for text in report.summary(early) if "not chosen yet" in text]
    assert said.startswith(f"The learning rate is not chosen yet: no trial has '{METRIC}'")


def _whole() -> pd.DataFrame:
    """With the facts that every stored trial has."""
    facts = {"run_id": None, "twin_of": None, "checksum": "c", "wall_s": 1.0, "parameters": 9.0}
    return grid().assign(label=lambda f: f["trial"], reason=None, noise="sigma", **facts)
