"""The report shows how the interval of ν came to be as narrow as it was wanted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from analysis import report
from analysis.figures.drawing.view import NothingToDraw, View, look
from analysis.figures.until_path import FIGURE, draw, info
from analysis.laws.powerlaw import Law
from analysis.sources import load
from tests.analysis import storage_fixture as planted

PATH = [
    {"trials": 27, "seeds": 1, "nu": 1.2, "halfwidth": None, "end": None},
    {
        "trials": 45,
        "seeds": 5,
        "nu": 1.19,
        "ci_low": 1.16,
        "ci_high": 1.22,
        "halfwidth": 0.03,
        "end": None,
    },
    {
        "trials": 54,
        "seeds": 6,
        "nu": 1.18,
        "ci_low": 1.165,
        "ci_high": 1.195,
        "halfwidth": 0.015,
        "end": "met",
    },
]


@pytest.fixture
def view(tmp_path: Path) -> View:
    storage = planted.write(tmp_path, planted.digits_experiment())
    experiment = load.from_storage(storage, "imaginary-noise")
    until = {"rule": {"nu_halfwidth": 0.02, "max_seeds": 20}, "path": PATH}
    sweeps = [*experiment.sweeps[:-1], experiment.sweeps[-1] | {"until": until}]
    return look(
        replace(experiment, sweeps=sweeps), Law("sigma", "test/kl", (0.03, 0.27)), 0.1, None
    )


def test_each_look_that_had_an_interval_is_a_row(view: View) -> None:
    found = info(view)
    assert list(found.table["seeds"]) == [5, 6]
    assert list(found.table["wanted"]) == [0.02, 0.02]
    assert "The rule was met: 6 seeds, ν = 1.18 ± 0.015 (95 %; wanted: ± 0.02)." in found.caption


def test_a_rule_that_few_sweeps_meet_is_said_to_be_one(view: View) -> None:
    sweep = view.experiment.sweeps[-1]
    until = sweep["until"] | {"rule": {"nu_halfwidth": 0.015, "max_seeds": 12}}
    sweeps = [*view.experiment.sweeps[:-1], sweep | {"until": until}]
    said = info(replace(view, experiment=replace(view.experiment, sweeps=sweeps))).caption
    assert "wanted: ± 0.015); where seeds scatter as on digits" in said
    assert "may hold ν less often than they say: a larger max_seeds is safer. The rule" in said
    assert "as on digits" not in info(view).caption


@pytest.mark.parametrize("end", [None, "budget", "failed", "unheard of"])
def test_every_end_has_a_sentence(view: View, end: str | None) -> None:
    [*others, sweep] = view.experiment.sweeps
    path = [*PATH[:-1], PATH[-1] | {"end": end}]
    sweeps = [*others, sweep | {"until": sweep["until"] | {"path": path}}]
    assert (
        "6 seeds"
        in info(replace(view, experiment=replace(view.experiment, sweeps=sweeps))).caption
    )


def test_the_rule_is_of_its_law_alone(view: View) -> None:
    """Its interval is no wider for what else the report tests, as that of the law is there."""
    assert "of this law alone, whatever else the report tests" in info(view).caption
    assert info(view).table["halfwidth"].tolist() == [0.03, 0.015]


def test_the_drawing_has_whiskers_and_the_wanted_width(view: View) -> None:
    figure = draw(info(view))
    assert [list(trace.y) for trace in figure.data if trace.mode == "lines"] == [
        pytest.approx([1.16, 1.16]),
        pytest.approx([1.2, 1.2]),
    ]
    [points] = [trace for trace in figure.data if trace.mode == "markers"]
    assert list(points.error_y.array) == pytest.approx([0.03, 0.015])


def test_other_rules_have_no_path_to_draw(view: View) -> None:
    [*others, sweep] = view.experiment.sweeps
    until = {"rule": {"equivalence": "decided"}, "path": [{"seeds": 5, "end": "met"}]}
    other = replace(view.experiment, sweeps=[*others, sweep | {"until": until}])
    with pytest.raises(NothingToDraw, match=r"\.$"):
        FIGURE.info(replace(view, experiment=other))


def test_the_path_is_in_the_reports_numbers(view: View, tmp_path: Path) -> None:
    page = report.write(view.experiment, tmp_path / "report")
    found = json.loads(page.with_name("report.json").read_text(encoding="utf-8"))
    assert [row["halfwidth"] for row in found["figures"]["until_path"]] == [0.03, 0.015]
    assert page.with_name("until_path.csv").exists()
