"""The figures: data that agrees with the fits, drawings with units, sentences where data lacks."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from analysis import published
from analysis.errors import TooFewRows
from analysis.figures import Figure, figures
from analysis.figures.drawing.claims import band, short
from analysis.figures.drawing.families import families
from analysis.figures.drawing.palette import MARKERS, RAMP, SERIES, dark_partners
from analysis.figures.drawing.style import log_ticks
from analysis.figures.drawing.theory import where_linear_collapses
from analysis.figures.drawing.view import SECTIONS, NothingToDraw, View, look
from analysis.laws.powerlaw import Law, fit, fit_xy
from analysis.report.parts.gallery import shown_rows, side_by_side
from analysis.report.templating import environment
from analysis.sources import load
from analysis.sources.png import encode
from tests.analysis import storage_fixture as planted

FIGURES = figures()


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> View:
    """The synthetic experiment with its declared law."""
    storage = planted.write(tmp_path_factory.mktemp("storage"), planted.digits_experiment())
    experiment = load.from_storage(storage, "imaginary-noise")
    return look(experiment, Law("sigma", "test/kl", (0.03, 0.27)), 0.1, None)


def named(name: str) -> Figure:
    return next(figure for figure in FIGURES if figure.name == name)


def empty(view: View) -> View:
    """The same experiment without any trial."""
    nothing = replace(view.experiment, trials=view.experiment.trials.iloc[:0])
    return look(nothing, Law("sigma", "test/kl"), 0.1, None)


def test_figures_are_found_once_and_stand_in_a_section() -> None:
    names = [figure.name for figure in FIGURES]
    assert len(set(names)) == len(names) >= 10
    assert {figure.section for figure in FIGURES} <= set(SECTIONS)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_draws_or_says_why_not(figure: Figure, view: View) -> None:
    if figure.name in (
        "robustness",
        "certified",
        "twin_difference",
        "dz_scaling",
        "alias_seeds",
        "alias_collapse",
        "denoising_bounds",
        "learned_rate",
        "until_path",
        "search",
        "search_importance",
        "search_parallel",
        "kl_noise",
        "recon_noise",
        "denoise_noise",
    ):
        with pytest.raises(NothingToDraw, match=r"\.$"):
            figure.info(view)
        return
    data = figure.info(view)
    assert len(data.table)
    drawing = figure.draw(data)
    titles = [axis.title.text for axis in drawing.select_yaxes() if axis.title.text]
    assert titles
    assert all("(" in title or "no unit" in title for title in titles)
    assert "<script" not in drawing.to_json()
    assert {trace.type for trace in drawing.data} == {"scatter"}, "not in the report's plotly.js"


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_figure_without_trials_is_a_sentence(figure: Figure, view: View) -> None:
    with pytest.raises(NothingToDraw, match=r"\.$"):
        figure.info(empty(view))


@pytest.mark.parametrize(("models", "axis"), [(["sigma_vae"], "σ"), ([], "σ or α")])
def test_the_axis_of_local_exponents_names_what_was_varied(
    view: View, models: list[str], axis: str
) -> None:
    trials = view.experiment.trials
    rows = trials[trials["model"].isin(models or trials["model"])].reset_index(drop=True)
    seen = look(replace(view.experiment, trials=rows), Law("sigma", "test/kl"), 0.1, None)
    figure = named("local_exponent")
    drawing = figure.draw(figure.info(seen))
    assert drawing.layout.xaxis.title.text == f"noise level {axis} (data units)"


def test_the_drawn_line_is_the_fitted_law(view: View) -> None:
    data = named("kl_sigma").info(view)
    law = fit(view.finished, Law("sigma", "test/kl", (0.03, 0.27), {"model": "sigma_vae"}))
    line = data.table[data.table["kind"] == "fit"]
    np.testing.assert_allclose(line["y"], law.predict(line["x"]), rtol=1e-12)
    assert law.ci_low < planted.NU < law.ci_high
    assert (line["low"] < line["y"]).all()
    assert (line["y"] < line["high"]).all()
    points = data.table[data.table["kind"] == "measured"]
    assert len(points) == 27
    np.testing.assert_allclose(
        points["y"], law.predict(points["x"]) * (1 + points["departure"] / 100), rtol=1e-12
    )


def test_every_fit_shows_exponent_interval_range_and_n(view: View) -> None:
    drawing = named("kl_sigma").draw(named("kl_sigma").info(view))
    legend = " ".join(trace.name for trace in drawing.data if trace.showlegend is not False)
    claim = view.claims_of("sigma")[0]
    assert claim.law is not None
    assert short(claim.law) in legend
    assert all(part in legend for part in ("ν = 1.1", " to ", "0.03–0.27", "n = 27"))


def test_twins_and_failed_trials_stay_out_of_the_figures(view: View) -> None:
    trials = view.experiment.trials
    out = set(trials.loc[(trials["role"] == "twin") | (trials["status"] != "finished"), "trial"])
    for name in ("kl_sigma", "recon_sigma", "rate_distortion", "kl_ratio"):
        assert not out & set(named(name).info(view).table["trial"].dropna())


def test_the_band_is_the_t_interval_of_the_seeds_lines() -> None:
    x = np.tile([0.1, 0.2, 0.4], 3)
    trials = pd.DataFrame(
        {
            "sigma": x,
            "seed": np.repeat([0, 1, 2], 3),
            "test/kl": 3 * x**-1.0 * np.repeat([0.9, 1.0, 1.1], 3),
        }
    )
    law = fit(trials, Law("sigma", "test/kl"))
    low, high = band(law, np.array([0.2]))
    logs = np.log(15 * np.array([0.9, 1.0, 1.1]))
    half = 4.302652729911275 * logs.std(ddof=1) / math.sqrt(3)
    np.testing.assert_allclose(
        np.log([low[0], high[0]]), [logs.mean() - half, logs.mean() + half], rtol=1e-10
    )


def test_a_caption_describes_only_what_is_drawn(view: View) -> None:
    rows = view.experiment.trials
    one = replace(view.experiment, trials=rows[rows["seed"] == 0])
    single = named("kl_sigma").info(look(one, Law("sigma", "test/kl"), 0.1, None))
    assert single.fits
    assert single.caption == "", "one seed has no band"
    many = named("kl_sigma").info(view)
    said = "Band: 95 % t interval over seeds; dashed: 95 % prediction of one more run."
    assert said in many.caption


def test_a_band_needs_two_seeds() -> None:
    with pytest.raises(TooFewRows, match="two seeds"):
        band(fit_xy([1, 2, 3, 4], [4, 2, 1.3, 1]), np.array([2.0]))


def test_published_ratios_are_those_of_the_paper(view: View) -> None:
    table = named("kl_ratio").info(view).table
    paper = table[table["kind"] == "published"].groupby("series")["y"]
    np.testing.assert_allclose(sorted(paper.mean()), [-0.481, -0.368], atol=6e-4)
    assert len(published.ratio("s1_table1")) == 9


def test_a_ratio_of_what_is_not_finite_is_left_out(view: View) -> None:
    trials = view.experiment.trials.copy()
    trials.loc[trials.index[:2], "test/kl"] = np.inf
    trials.loc[trials.index[2:4], "test/elbo"] = -np.inf
    other = replace(view, experiment=replace(view.experiment, trials=trials))
    table = named("kl_ratio").info(other).table
    measured = table[table["kind"] == "measured"]
    assert np.isfinite(measured["y"]).all()
    whole = named("kl_ratio").info(view).table.query("kind == 'measured'")
    assert set(measured["trial"]) == set(whole["trial"]) - set(trials["trial"][:4])
    drawn = named("kl_ratio").draw(named("kl_ratio").info(other))
    assert len(drawn.data) > 2
    assert all(": −" in one.name and "-0" not in one.name for one in drawn.data)


@pytest.mark.parametrize(
    ("dims", "said"),
    [(64, "MNIST (d = 784, here 64, so a noise level is another"), (784, "MNIST, not tested")],
)
def test_the_ratio_says_whether_the_dimensions_are_the_papers(
    view: View, dims: int, said: str
) -> None:
    spectra = {
        name: replace(spectrum, dims=dims) for name, spectrum in view.experiment.spectra.items()
    }
    assert spectra
    other = replace(view, experiment=replace(view.experiment, spectra=spectra))
    assert said in named("kl_ratio").info(other).caption


def test_laplace_errors_have_a_panel_of_their_own(view: View) -> None:
    data = named("rate_distortion").info(view)
    kinds = data.table[data.table["kind"] == "measured"].groupby("series")["error"].unique()
    assert list(kinds["σ-VAE"]) == ["squared"]
    assert list(kinds["α-VAE"]) == ["absolute"]


@pytest.mark.parametrize(
    ("change", "curves"),
    [
        ({}, True),
        ({"model": "uvb"}, False),
        ({"model": "noisy_vae"}, False),
        ({"sigma": 0.1}, False),
        ({"sigma": 0.1, "beta": [1.0, 4.0]}, True),
    ],
)
def test_the_linear_theory_is_drawn_where_it_is_about_the_models(
    view: View, change: dict[str, Any], curves: bool
) -> None:
    """Of clean data, and a curve: of one σ√β it would be a point that no one sees."""
    trials = view.finished[view.finished["sigma"].notna()]
    beta = np.resize(change.get("beta", 1.0), len(trials))
    other = look(
        replace(view.experiment, trials=trials.assign(**{**change, "beta": beta})), None, 0.1, None
    )
    data = named("rate_distortion").info(other)
    theory = data.table[data.table["kind"] == "linear theory"]
    legend = [trace.name for trace in named("rate_distortion").draw(data).data]
    drawn = "linear theory (pPCA)" in legend
    assert (theory["x"].nunique() > 1) == drawn == curves
    assert ("noisy data" in data.caption) == (change.get("model") in ("uvb", "noisy_vae"))


@pytest.mark.parametrize("figure", ["kl_sigma", "recon_sigma", "rate_distortion"])
def test_the_linear_theory_of_each_d_z_has_a_curve_and_a_name(view: View, figure: str) -> None:
    trials = view.finished[view.finished["sigma"].notna()]
    trials = trials.assign(d_z=np.resize([2, 2, 20, 20], len(trials)))
    other = look(replace(view.experiment, trials=trials), None, 0.1, None)
    data = named(figure).info(other)
    theory = data.table[data.table["kind"] == "linear theory"].groupby("series")["kl"].max()
    assert list(theory.index) == [f"linear theory (pPCA), d_z = {d_z}" for d_z in (2, 20)]
    assert theory.iloc[0] < theory.iloc[1]
    drawn = [one for one in named(figure).draw(data).data if one.name in theory.index]
    assert len({one.line.dash for one in drawn}) == len(drawn) == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sigma": 9.0}, "nats/example at σ = 9."),
        ({"sigma": 0.05}, "no σ of this sweep"),
        ({"sigma": 0.9, "beta": 100.0}, "nats/example at σ√β = 9."),
        ({"model": "deen", "sigma": 9.0}, None),
    ],
)
def test_collapse_is_foretold_of_the_models_that_the_theory_is_about(
    view: View, change: dict[str, Any], says: str | None
) -> None:
    found = where_linear_collapses(view, view.finished.assign(**change))
    assert found is None if says is None else says in str(found and found.sentence())


def test_families_differ_in_one_axis_and_the_seed() -> None:
    rows = pd.DataFrame(
        {
            "trial": list("abcdef"),
            "model": "sigma_vae",
            "beta": 1.0,
            "sigma": [0.1, 0.2, 0.3] * 2,
            "seed": [0, 0, 0, 1, 1, 1],
            "d_z": [10, 10, 10, 50, 50, 50],
            "test/kl": 1.0,
        }
    )
    found = families(rows, "sigma")
    assert [family.label for family in found] == ["σ-VAE, d_z = 10", "σ-VAE, d_z = 50"]
    assert all(family.rows["d_z"].nunique() == 1 for family in found)


def test_colours_have_dark_partners_and_differ() -> None:
    partners = dark_partners()
    assert set(SERIES) | set(RAMP) <= set(partners)
    assert len(set(SERIES)) == len(set(MARKERS)) == len(SERIES)
    assert not set(partners) & set(partners.values())


@settings(max_examples=200)
@given(st.floats(1e-6, 1e6), st.floats(1.0, 1e4))
def test_log_ticks_are_few_and_cover_the_range(low: float, ratio: float) -> None:
    ticks = log_ticks([low, low * ratio])
    assert 3 <= len(ticks) <= 8 or ratio == 1
    assert ticks == sorted(ticks)
    assert all(low / 1.2 <= tick <= low * ratio * 1.2 for tick in ticks)


def test_prose_escapes_before_it_typesets() -> None:
    prose = environment().get_template("macros.html").module.prose
    assert prose("x^−ν <b> -1.5 a-b") == "x<sup>−ν</sup> &lt;b&gt; −1.5 a-b"
    assert prose("`run <b> -1`") == "<code>run &lt;b&gt; -1</code>"


@pytest.mark.parametrize("enlarged", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_strip_of_images_is_a_png(channels: int, enlarged: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, channels, 4, 5), dtype=np.uint8)
    pixels = side_by_side(images, gap=2)
    assert pixels.shape == (4, 21, channels + 1)
    np.testing.assert_array_equal(pixels[:, 7:12, :channels], images[1].transpose(1, 2, 0))
    assert (pixels[:, 5:7] == 0).all()
    with Image.open(io.BytesIO(encode(pixels, enlarged))) as png:
        assert png.format == "PNG"
        np.testing.assert_array_equal(np.asarray(png), pixels)


def test_models_that_have_them_show_reconstructions_and_samples() -> None:
    images = np.zeros((2, 1, 8, 8), np.uint8)
    energy = dict.fromkeys(("clean", "noisy", "denoised"), images)
    three = ["test images", "with noise", "denoised"]
    assert [name for name, _ in shown_rows(energy)] == three
    generative = {"sampled": images, "reconstructed": images, **energy}
    assert [name for name, _ in shown_rows(generative)] == [
        "test images",
        "reconstructed",
        "with noise",
        "denoised",
        "samples of the prior, decoded",
    ]
    assert shown_rows({"sampled": images}) == shown_rows(None) == []


def test_a_strip_of_four_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="one channel or three"):
        side_by_side(np.zeros((1, 4, 2, 2), np.uint8), 1)


def robust_view(storage: Path) -> View:
    tables = (
        {
            "schema": 1,
            "key": "robustness",
            "metrics": {"certified/0.5": 0.8, "certified/1": 0.6, "certified/1_se": 0.01},
            "table": [
                {
                    "noise": kind,
                    "level": level,
                    "estimator": way,
                    "denoise": 1 + level,
                    "accuracy": 1 - level,
                    "noise_energy": 64 * level,
                }
                for way in ("sample", "mean")
                for kind in ("gaussian", "salt_and_pepper")
                for level in (0.1, 0.2, 0.4)
            ],
        },
    )
    trials = [replace(one, tables=tables) for one in planted.sigma_trials(2)]
    return look(
        load.from_storage(planted.write(storage, trials), "imaginary-noise"), None, 0.1, None
    )


def test_robustness_curves_come_from_the_stored_tables(tmp_path: Path) -> None:
    figure = named("robustness")
    data = figure.info(robust_view(tmp_path))
    assert set(data.table["measure"]) == {"denoise", "accuracy"}
    assert set(data.table["noise"]) == {"gaussian", "salt_and_pepper"}
    assert len(list(figure.draw(data).select_yaxes())) == 4
    assert (data.table["n"] == 1).all()


def test_certified_accuracy_comes_from_the_stored_metrics(tmp_path: Path) -> None:
    data = named("certified").info(robust_view(tmp_path))
    assert dict(data.table.groupby("radius")["mean"].mean()) == {0.5: 0.8, 1.0: 0.6}
    named("certified").draw(data)


def test_a_learned_rate_is_drawn_and_said(view: View) -> None:
    trials = view.finished.iloc[:4].assign(
        model="dvae",
        sigma=np.nan,
        alpha=np.nan,
        likelihood="bernoulli",
        corruption="learnable_gaussian",
        corruption_sigma=[0.5, 0.5, 0.1, 0.1],
        seed=[0, 1, 0, 1],
    )
    history = pd.DataFrame(
        [
            {
                "trial": trial,
                "seed": float(seed),
                "metric": "train/rate",
                "step": step,
                "time_ms": 0,
                "value": start * np.exp(-step * (1 + seed)),
            }
            for trial, start, seed in zip(
                trials["trial"], trials["corruption_sigma"], trials["seed"], strict=True
            )
            for step in (1, 2, 3)
        ]
    )
    experiment = replace(view.experiment, trials=trials, history=history)
    data = named("learned_rate").info(look(experiment, None, 0.1, None))
    last = data.table[data.table["epoch"] == 3].set_index("family")
    assert dict(last["n"]) == {"DVAE, corruption σ = 0.1": 2, "DVAE, corruption σ = 0.5": 2}
    assert last.loc["DVAE, corruption σ = 0.5", "mean"] == pytest.approx(
        0.5 * (np.exp(-3) + np.exp(-6)) / 2
    )
    assert "corruption σ = 0.5 fell from" in data.caption
    assert "2 seeds" in data.caption
    drawing = named("learned_rate").draw(data)
    assert [len(trace.x) for trace in drawing.data if trace.x[0] is not None] == [3, 3]


def test_aliases_with_their_own_seeds_are_compared(tmp_path: Path) -> None:
    trials = [*planted.sigma_trials(5), *planted.alias_trials(5)]
    loaded = load.from_storage(planted.write(tmp_path, trials), "imaginary-noise")
    view = look(loaded, None, 0.1, None)
    data = named("alias_seeds").info(view)
    assert set(data.table["pair"]) == {
        "σ = 0.12, β = 1 less σ = 0.06, β = 4",
        "σ = 0.18, β = 1 less σ = 0.06, β = 9",
    }
    named("alias_seeds").draw(data)
    points = named("alias_collapse").info(view).table
    at_twelve = points[np.isclose(points["x"], 0.12) & (points["kind"] == "measured")]
    assert set(at_twelve["series"]) == {"β = 1", "β = 4"}
    curve = points[points["kind"] == "curve"]
    measured = points[points["kind"] == "measured"]
    assert (curve["x"].min(), curve["x"].max()) == pytest.approx(
        (measured["x"].min(), measured["x"].max())
    )
    np.testing.assert_allclose(curve["y"], 2.6 * curve["x"] ** -planted.NU, rtol=0.1)
    assert "fall together" not in named("alias_collapse").info(view).caption


def test_points_of_shared_seeds_are_all_seen_and_called_no_evidence(tmp_path: Path) -> None:
    trials = [*planted.sigma_trials(5), *planted.alias_trials(5)]
    loaded = load.from_storage(planted.write(tmp_path, trials), "imaginary-noise")
    shared = replace(loaded, trials=loaded.trials.assign(seed=loaded.trials["seed"] % 100))
    data = named("alias_collapse").info(look(shared, None, 0.1, None))
    assert "fall together: only the test, on disjoint seeds, is evidence" in data.caption
    points = [
        trace for trace in named("alias_collapse").draw(data).data if trace.mode == "markers"
    ]
    assert [trace.name for trace in points] == ["β = 9", "β = 4", "β = 1"]
    assert [trace.marker.size for trace in points] == [14, 11, 8]


def test_aliases_in_sigma_and_in_alpha_have_panels_and_curves_of_their_own(tmp_path: Path) -> None:
    laplace = [
        replace(one, params=one.params | {"alpha": 0.05, "beta": beta, "seed": seed})
        for one in list(planted.alpha_trials(1))[:1]
        for beta in (2.0, 4.0)
        for seed in range(100, 105)
    ]
    trials = [
        *planted.sigma_trials(5),
        *planted.alias_trials(5),
        *planted.alpha_trials(5),
        *laplace,
    ]
    loaded = load.from_storage(planted.write(tmp_path, trials), "imaginary-noise")
    data = named("alias_collapse").info(look(loaded, None, 0.1, None))
    curves = data.table[data.table["kind"] == "curve"].groupby("axis")["x"]
    assert dict(curves.min()) == pytest.approx({"σ√β": 0.03, "αβ": 0.05})
    assert dict(curves.max()) == pytest.approx({"σ√β": 0.27, "αβ": 0.4})
    drawing = named("alias_collapse").draw(data)
    lines = [trace for trace in drawing.data if trace.mode == "lines"]
    assert {(line.xaxis, len(line.x)) for line in lines} == {("x", 60), ("x2", 60)}
    assert [axis.title.text for axis in drawing.select_xaxes()] == [
        "effective noise level σ√β (data units)",
        "effective noise level αβ (data units)",
    ]
    legend = {
        trace.name: trace.legendrank for trace in drawing.data if trace.showlegend is not False
    }
    assert legend == {"β = 1": 0, "β = 2": 1, "β = 4": 2, "β = 9": 3}


def test_twins_are_drawn_only_if_some_differ(view: View) -> None:
    with pytest.raises(NothingToDraw, match="agree to the last bit"):
        named("twin_difference").info(view)
    history = view.experiment.history.copy()
    twin = view.experiment.trials.set_index("trial")["twin_of"].dropna().index[0]
    history.loc[(history["trial"] == twin) & (history["step"] == 2), "value"] *= 1 + 1e-9
    data = named("twin_difference").info(
        replace(view, experiment=replace(view.experiment, history=history))
    )
    assert data.table["difference"].max() == pytest.approx(1e-9, rel=1e-3)
    assert (data.table["difference"] == 0).sum() == len(data.table) - 1
    assert set(data.table["pair"]) == {
        "σ = 0.06, β = 4 and σ = 0.12, β = 1, seed 0",
        "σ = 0.12, β = 4 and σ = 0.24, β = 1, seed 0",
    }


def by_d_z(folder: Path, seeds: Mapping[int, int]) -> View:
    """The view of a sweep with so many seeds at each d_z."""
    trials = [
        replace(one, params=one.params | {"d_z": d_z})
        for d_z, count in seeds.items()
        for one in planted.sigma_trials(count)
    ]
    experiment = load.from_storage(planted.write(folder, trials), "imaginary-noise")
    return look(experiment, None, 0.1, None)


@pytest.mark.parametrize(
    ("seeds", "says", "bars"),
    [
        ({10: 1, 50: 1}, "No bars: one seed each, which has no interval over seeds.", [0, 0]),
        ({10: 2, 50: 1}, "at once. Without a bar: of one seed.", [1, 0]),
    ],
)
def test_one_seed_has_no_bar(
    tmp_path: Path, seeds: Mapping[int, int], says: str, bars: list[int]
) -> None:
    figure = named("dz_scaling")
    data = figure.info(by_d_z(tmp_path, seeds))
    assert data.caption.endswith(says)
    assert data.table["low"].notna().astype(int).tolist() == bars
    (drawn,) = figure.draw(data).data
    assert np.isfinite(drawn.error_y.array).astype(int).tolist() == bars


def test_the_exponent_by_latent_dimension(tmp_path: Path) -> None:
    view = by_d_z(tmp_path, {10: 2, 50: 2})
    data = named("dz_scaling").info(view)
    assert list(data.table["d_z"]) == [10, 50]
    assert (data.table["low"] < data.table["nu"]).all()
    assert data.caption.startswith("Bars: 95 % intervals over seeds")
    said = (
        "a change on average is not established, which does not show ν to be the same throughout."
    )
    assert view.tested.trends[0].sentence().endswith(said)
