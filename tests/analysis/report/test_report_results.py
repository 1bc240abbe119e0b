"""A report of models at one noise level: a table, the noise they remove, no empty axes."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from analysis import report
from analysis.figures import kl, learning_curves, recon, robustness
from analysis.figures.drawing import marks
from analysis.figures.drawing.view import NothingToDraw, View, look
from analysis.report.parts.results import results_frame
from analysis.sources import load
from analysis.sources.schema import Experiment
from tests.analysis.sweep_folder import SweepFolder

MODELS = {"sigma_vae": {"sigma": 0.9, "beta": 1.0}, "deen": {"sigma": 0.9}, "bernoulli_vae": {}}
NOISE = ((0.1, 8.0), (0.9, 634.0))


def robust(folder: Path, seeds: int = 2, levels: tuple[float, ...] = (0.9,)) -> Experiment:
    """Three models, each with its error and accuracy on two levels of Gaussian noise."""
    made = SweepFolder(folder)
    for number, (model, params) in enumerate(MODELS.items()):
        for sigma in levels if "sigma" in params else (None,):
            for seed in range(seeds):
                name = f"{model}{sigma}{seed}"
                scale = {"sigma": sigma} if sigma else {}
                made.trial(name, {"model": model, **params, **scale, "seed": seed})
                made.commit(name, 3, {"test/kl": 5.0 + number + seed, "test/recon": 30.0})
                answer(made, name, number, seed)
    made.sweep()
    return load.from_storage(folder, "demo")


def answer(made: SweepFolder, name: str, number: int, seed: int) -> None:
    """Errors 10, 20 and 30 at noise 0.1, twice that at 0.9; accuracies 0.9, 0.8 and 0.7."""
    for measure, first, undone in (
        ("denoise", 10.0 * (number + 1), "noise_energy"),
        ("accuracy", 0.9 - 0.1 * number, "noisy"),
    ):
        rows = [
            {
                "noise": "gaussian",
                "level": level,
                "estimator": "sample",
                measure: first * (1 + (level > 0.5) * (measure == "denoise")) + 0.01 * seed,
                undone: energy,
            }
            for level, energy in NOISE
        ]
        metrics = {f"{measure}/gaussian/{row['level']}": row[measure] for row in rows}
        made.evaluation(name, measure, {"metrics": metrics, "table": rows, "settings": {}})


@pytest.fixture
def view(tmp_path: Path) -> View:
    return look(robust(tmp_path), None, 0.1, None)


def test_the_table_has_a_row_for_each_setting(view: View) -> None:
    frame = results_frame(view).set_index("setting")
    assert sorted(frame.index) == ["Bernoulli VAE", "DEEN, σ = 0.9", "σ-VAE, σ = 0.9"]
    row = frame.loc["DEEN, σ = 0.9"]
    assert (row["n"], row["test/kl"]) == (2, 6.5)
    assert row["test/kl_high"] - row["test/kl"] == pytest.approx(12.706 * 0.5, rel=1e-4)


def test_settings_stand_by_family_and_level(tmp_path: Path) -> None:
    swept = look(robust(tmp_path, seeds=1, levels=(0.5, 0.1, 0.9)), None, 0.1, None)
    assert results_frame(swept)["setting"].tolist() == [
        *(f"DEEN, σ = {sigma}" for sigma in (0.1, 0.5, 0.9)),
        *(f"σ-VAE, σ = {sigma}" for sigma in (0.1, 0.5, 0.9)),
        "Bernoulli VAE",
    ]


def test_the_summary_names_the_ends_at_the_strongest_noise(view: View, tmp_path: Path) -> None:
    said = report.summary(view.experiment)
    assert (
        "Error after the strongest noise, least and most: Gaussian 0.9: σ-VAE "
        "(20.0), Bernoulli VAE (60.0). This is the order as measured after 3 epochs; sweeper "
        "compare tests pairs."
    ) in said
    assert any(
        "most and least: Gaussian 0.9: σ-VAE (0.905), Bernoulli VAE (0.705)" in one for one in said
    )
    assert not any("law" in one for one in said)
    single = report.summary(robust(tmp_path / "one", seeds=1))
    assert any(
        "Some settings have one seed, so the order after 3 epochs is not tested." in one
        for one in single
    )


def test_one_noise_level_has_no_axes_of_its_own(view: View) -> None:
    for figure in (kl, recon):
        with pytest.raises(NothingToDraw, match="All finished trials have one σ") as refused:
            figure.info(view, "sigma")
        assert not refused.value.relevant


def test_the_page_holds_table_and_numbers(view: View, tmp_path: Path) -> None:
    page = report.write(view.experiment, tmp_path / "out").read_text("utf-8")
    assert "What each setting reached" in page
    assert "Scaling laws" not in page
    assert len(pd.read_csv(tmp_path / "out" / "results.csv")) == 3
    assert len(json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["results"]) == 3


def test_colours_tell_models_apart_where_no_model_has_two_levels(
    view: View, tmp_path: Path
) -> None:
    for module in (robustness, learning_curves):
        colours = {
            trace.legendgroup: trace.line.color
            for trace in module.draw(module.info(view)).data
            if trace.showlegend is None
        }
        assert colours == {name: marks.colour(view.hue(name)) for name in colours}
        assert len(set(colours.values())) == len(colours) == 3
    swept = look(robust(tmp_path / "swept", levels=(0.3, 0.9)), None, 0.1, None)
    lines = [
        trace
        for trace in robustness.draw(robustness.info(swept)).data
        if trace.legendgroup == "DEEN" and trace.showlegend is False
    ]
    assert len({trace.line.color for trace in lines}) == 2
    for module in (robustness, learning_curves):
        none, [bar] = (
            [one for one in module.draw(module.info(drawn)).data if one.marker.showscale]
            for drawn in (view, swept)
        )
        assert none == []
        assert bar.marker.colorbar.title.text == "noise level σ"
        assert bar.marker.cmin == pytest.approx(math.log10(0.3))
        assert bar.marker.cmax == pytest.approx(math.log10(0.9))
        drawn = {trace.line.color for trace in module.draw(module.info(swept)).data}
        assert {bar.marker.colorscale[end][1] for end in (0, -1)} <= drawn


def test_errors_have_a_logarithmic_axis_and_accuracies_not(view: View) -> None:
    data = robustness.info(view)
    kinds = [measure for (measure, _), _ in data.table.groupby(["measure", "noise"], sort=False)]
    layout = robustness.draw(data).layout
    axes = [layout[f"yaxis{number or ''}"].type for number in (0, 2)]
    assert dict(zip(kinds, axes, strict=True)) == {"accuracy": None, "denoise": "log"}
