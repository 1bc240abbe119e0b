"""Bounds, compared models, drawn samples and levels of equivalence, where there are any."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import report
from analysis.equivalence import Examined, SeedVerdict, TwinVerdict, compare_arms
from analysis.equivalence.aliases import Arm
from analysis.figures import denoising_bounds
from analysis.figures.drawing.families import families
from analysis.figures.drawing.view import look
from analysis.report.parts.equivalences import Equivalences
from analysis.sources import load
from analysis.sources.png import encode
from analysis.sources.schema import Experiment
from tests.analysis import storage_fixture as planted


def bounded(gap: float, se: float) -> Experiment:
    """Three DVAE trials whose L_cvae is above L_dvae by `gap` nats."""
    found = {
        "dvae": -3.0,
        "cvae": -3.0 + gap,
        "log_p": -2.0,
        "cvae_minus_dvae": gap,
        "log_p_minus_cvae": 1.0 - gap,
    }
    rows = [
        {
            "trial": f"t{seed}",
            "run_id": None,
            "status": "finished",
            "role": "declared",
            "twin_of": None,
            "label": f"dvae {seed}",
            "model": "dvae",
            "corruption_p": 0.05,
            "seed": seed,
            "epoch": 3.0,
            "checksum": "c",
            "wall_s": 1.0,
            "parameters": 1.0,
            **{f"bounds/{name}": value for name, value in found.items()},
            **{f"bounds/{name}_se": se for name in found},
        }
        for seed in (1, 2, 0)
    ]
    return Experiment("bounds", pd.DataFrame(rows), planted_history())


def planted_history() -> pd.DataFrame:
    return pd.DataFrame(columns=["trial", "seed", "metric", "step", "time_ms", "value"])


@pytest.mark.parametrize(
    ("gap", "se", "said"),
    [
        (0.3, 0.01, "L_cvae ≥ L_dvae holds in 3 of 3 trials"),
        (-0.3, 0.01, "L_cvae ≥ L_dvae violated in 3 of 3 trials"),
        (0.01, 0.5, "L_cvae ≥ L_dvae not resolved in 3 of 3 trials"),
    ],
)
def test_bounds_are_said_to_hold_only_if_their_errors_allow_it(
    gap: float, se: float, said: str, tmp_path: Path
) -> None:
    experiment = bounded(gap, se)
    assert said in " ".join(report.summary(experiment))
    page = report.write(experiment, tmp_path).read_text("utf-8")
    assert "Bounds of the denoising criterion" in page
    assert "Lemma 1 and Eq. 9" in page
    table = pd.read_csv(tmp_path / "denoising_bounds.csv")
    assert table["trial"].tolist() == [f"t{seed}" for seed in range(3) for _ in range(3)]


def test_bounds_are_drawn_with_their_errors() -> None:
    data = denoising_bounds.info(look(bounded(0.3, 0.01), None, 0.1, None))
    drawing = denoising_bounds.draw(data)
    assert [trace.name for trace in drawing.data] == ["L_dvae", "L_cvae", "log p(x), at least"]
    assert list(drawing.data[0].error_x.array) == [0.01] * 3


def test_only_bounds_that_can_be_out_of_order_are_counted() -> None:
    """Without corruption L_cvae is L_dvae; the estimate of log p(x) is above both in any case."""
    found = bounded(0.3, 0.01)
    none = found.trials["seed"] == 0
    found.trials.loc[none, ["bounds/cvae_minus_dvae", "bounds/cvae_minus_dvae_se"]] = 0.0
    (said,) = [one for one in report.summary(found) if "L_dvae" in one]
    assert "L_cvae ≥ L_dvae holds in 2 of 2 trials (one-sided tests at 5 %, Holm over 2)" in said
    assert "; in 1 trial without corruption both are equal by definition; " in said
    assert "log p(x) is estimated by a lower bound of its own, which is above L_cvae" in said
    assert "(here by 0.70 nats) and is not tested." in said
    assert "log p ≥" not in said


def models(seeds: int = 4) -> list[planted.Planted]:
    """σ-VAE, and UVB with the same noise levels and an error that is much larger."""
    first = [one for one in planted.sigma_trials(seeds) if one.params["sigma"] in (0.12, 0.24)]
    return first + [
        replace(one, params=one.params | {"model": "uvb", "objective": "uvb", "network": "mlp"})
        for one in first
    ]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """UVB's denoising error is twice that of σ-VAE, give or take a hundredth."""
    storage = planted.write(tmp_path_factory.mktemp("storage"), models())
    loaded = load.from_storage(storage, "imaginary-noise")
    rng = np.random.default_rng(0)
    factor = np.where(loaded.trials["model"] == "uvb", 2.0, 1.0)
    noise = np.exp(0.01 * rng.standard_normal(len(factor)))
    return replace(
        loaded,
        trials=loaded.trials.assign(
            **{"test/denoise": loaded.trials["test/denoise"] * factor * noise}
        ),
    )


def test_models_are_compared_at_equal_noise(compared: Experiment, tmp_path: Path) -> None:
    said = " ".join(report.summary(compared))
    assert "2 comparisons between models at equal noise; all of them differ (" in said
    one = replace(compared, trials=compared.trials[compared.trials["sigma"] == 0.12])
    assert "1 comparison between models at equal noise; the two differ (" in " ".join(
        report.summary(one)
    )
    report.write(compared, tmp_path)
    rows = json.loads((tmp_path / "report.json").read_text("utf-8"))["compared"]
    assert [row["setting"] for row in rows] == [{"sigma": 0.12}, {"sigma": 0.24}]
    assert all(row["also"] == ["network"] for row in rows)
    assert "also differ in network" in (tmp_path / "index.html").read_text("utf-8")


def test_corruptions_of_one_model_are_compared_by_the_full_bound(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        {
            **bounded(0.3, 0.01).trials.iloc[0],
            "trial": f"{p}{seed}",
            "seed": seed,
            "corruption_p": p,
            "test/elbo_full": -160 + 100 * p + 0.1 * rng.standard_normal(),
        }
        for p in (0.0, 0.05, 0.15)
        for seed in range(4)
    ]
    experiment = Experiment("dvae", pd.DataFrame(rows), planted_history())
    assert (
        "Full ELBO: 3 comparisons between values of corruption p; all of them differ (Holm, 5 %); "
        "training length unknown."
    ) in report.summary(experiment)
    page = report.write(experiment, tmp_path).read_text("utf-8")
    assert "Full ELBO of every pair of values of corruption p" in page
    assert "nats/example, on the test set" in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (2, "no claim, for 4 of 4 trials are not trained after 3 epochs."),
        (3, "no claim, for 3 of 3 comparisons have trials that are not trained."),
    ],
)
def test_of_several_comparisons_without_a_claim_these_are_counted(values: int, said: str) -> None:
    """Not the trials of one of them, which would be two thirds of all that there are."""
    rng = np.random.default_rng(0)
    first = bounded(0.3, 0.01).trials.iloc[0]
    rows = [
        {
            **first,
            "trial": f"{p}{seed}",
            "seed": seed,
            "corruption_p": p,
            "test/elbo_full": -160 + 100 * p + rng.standard_normal(),
        }
        for p in (0.0, 0.05, 0.15)[:values]
        for seed in range(2)
    ]
    history = [
        {"trial": row["trial"], "seed": row["seed"], "metric": "test/kl", "step": step}
        | {"time_ms": step, "value": 2.0}
        for row in rows
        for step in (1, 2, 3)
    ]
    experiment = Experiment("dvae", pd.DataFrame(rows), pd.DataFrame(history))
    assert f"Full ELBO of values of corruption p: {said}" in report.summary(experiment)


def test_bounds_stand_beside_the_published_ones(tmp_path: Path) -> None:
    base = {
        **bounded(0.3, 0.01).trials.iloc[0],
        "network": "mlp",
        "hidden": "[200]",
        "k": 1,
        "m": 1,
        "corruption": "salt_and_pepper",
        "data": "binarized_mnist",
        "data_limit": 1000,
        "lr": 1e-3,
    }
    rows = [
        {
            **base,
            "trial": f"{p}{seed}",
            "seed": seed,
            "corruption_p": p,
            "test/objective_full": -97.0 - 0.1 * seed + 140 * p,
        }
        for p in (0.0, 0.05)
        for seed in range(3)
    ]
    report.write(Experiment("dvae", pd.DataFrame(rows), planted_history()), tmp_path)
    table = pd.read_csv(tmp_path / "published_values.csv")
    assert table["published"].tolist() == [96.14, 95.52]
    assert table["ours"].tolist() == pytest.approx([97.1, 90.1])
    assert table["t"].tolist() == pytest.approx([8.98, -40.7], abs=0.01)
    differ = "learning rate 0.001, there chosen on the validation part; data_limit 1000, there 0"
    assert (table["settings_that_differ"] == differ).all()
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "Values side by side" in page
    assert "−5.42<small" in page
    assert "−40.7 se, t with" in page
    assert "96.41 ± 0.11 with one hidden layer" in page
    assert "Exponents side by side" not in page
    assert "The p decides: Holm’s method may reject a number that the wider" in page


@pytest.mark.parametrize(("elbo", "errata"), [(-30.0, 2), (None, 0)])
def test_the_errata_of_published_ratios_stand_where_these_are_drawn(
    elbo: float | None, errata: int, tmp_path: Path
) -> None:
    """KL/L of Saremi's Tables 1 and 2, although no law or value of ours is beside them."""
    base = {"model": "sigma_vae", "sigma": 0.1, "test/kl": 20.0, "test/elbo": elbo}
    rows = [
        {**bounded(0.3, 0.01).trials.iloc[0], **base, "trial": f"a{seed}", "seed": seed}
        for seed in range(2)
    ]
    report.write(Experiment("two", pd.DataFrame(rows), planted_history()), tmp_path)
    assert (tmp_path / "kl_ratio.csv").is_file() is (elbo is not None)
    told = json.loads((tmp_path / "report.json").read_text())["errata"]
    assert [one["where"] for one in told] == ["Table 1", "Table 2"][:errata]


def test_a_family_is_named_by_what_its_model_does_not_say(compared: Experiment) -> None:
    names = [one.label for one in families(compared.trials, "sigma")]
    assert sorted(names) == ["UVB", "σ-VAE"]
    wide = compared.trials.assign(d_z=np.where(compared.trials["seed"] < 2, 10, 20))
    assert {"UVB, d_z = 10", "σ-VAE, d_z = 20"} < {one.label for one in families(wide, "sigma")}


def drawn(storage: Path, planted_one: planted.Planted, name: str, size: int = 8) -> None:
    folder = storage / "trials" / planted_one.id / "pictures"
    folder.mkdir(exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 255, (size, size, 2), dtype=np.uint8)
    (folder / name).write_bytes(encode(pixels))


def test_drawn_pictures_are_shown_and_large_ones_left_out(tmp_path: Path) -> None:
    trials: list[Any] = list(planted.sigma_trials(1))
    storage = planted.write(tmp_path / "storage", trials)
    experiment = load.from_storage(storage, "imaginary-noise")
    assert "ancestral samples" not in report.write(experiment, tmp_path).read_text("utf-8")
    for one in trials[:3]:
        drawn(storage, one, "sample-ancestral-36-seed0.png")
    drawn(storage, trials[3], "sample-walk_jump-10-seed0.png", 900)
    page = report.write(experiment, tmp_path).read_text("utf-8")
    assert page.count('class="drawn"') == 3
    assert "σ-VAE: ancestral samples" in page
    assert "walk-jump samples" not in page


def test_objectives_of_twins_are_a_level_of_their_own(tmp_path: Path) -> None:
    storage = planted.write(tmp_path / "storage", planted.digits_experiment())
    report.write(load.from_storage(storage, "imaginary-noise"), tmp_path / "out")
    found = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["equivalence"]
    levels = [one["level"] for one in found["verdicts"]]
    assert levels.count("algebra") == levels.count("twins") == 2
    assert {one["verdict"] for one in found["verdicts"] if one["level"] == "algebra"} == {
        "equivalent"
    }


def test_the_headline_counts_pairs_of_settings(tmp_path: Path) -> None:
    """Two pairs, each with a verdict of its twins and one of their objectives, are two pairs."""
    storage = planted.write(tmp_path, planted.digits_experiment())
    view = look(load.from_storage(storage, "imaginary-noise"), None, 0.1, None)
    found = Equivalences(view.tested.examined)
    assert sum(map(len, found.found.verdicts.values())) == 4
    (key,) = found.keys
    assert (key.name, key.value) == ("pairs of twins found equivalent", "2 of 2")
    assert key.remark == "same seed, whole run: equal to the last bit"
    [told] = [one.text for one in found.statements if "objectives" in one.text]
    assert told.startswith("Equivalent: ")
    assert "With matched seeds KL and recon agree to the last bit over the whole run;" in told
    assert told.count("↔") == 2, "each pair is named once"
    assert told.count("-VAE ") == 4
    sentences = " ".join(
        one.sentence() for every in found.found.verdicts.values() for one in every
    )
    assert "_vae" not in told + sentences


def test_seeds_of_one_pair_are_one_pair() -> None:
    def twin(seed: int, verdict: str) -> TwinVerdict:
        labels = (f"vae σ=0.1 seed={seed}", f"vae σ=0.05 β=4 seed={seed}")
        return TwinVerdict("a", "b", labels, seed, 0.0, 0.0, 0.0, False, 4, 2, 1e-4, verdict)

    every = [twin(seed, "equivalent") for seed in range(5)]
    (told,) = Equivalences(Examined({"twins": every})).statements
    assert "all 1 pair are" not in told.text
    assert "the pair is equivalent (5 comparisons, one a seed)" in told.text
    found = Equivalences(Examined({"twins": [*every, twin(5, "undecided")]}))
    assert [key.value for key in found.keys] == ["0 of 1"]
    assert "of 1 pair, 1 undecided (6 comparisons, one a seed)" in found.statements[0].text


def undecided(pair: int) -> SeedVerdict:
    rng = np.random.default_rng(pair)
    arms = [
        Arm(
            "sigma",
            0.1 * pair * scale,
            beta,
            pd.DataFrame(
                {
                    "seed": range(8),
                    "test/kl": np.exp(0.2 * rng.standard_normal(8)),
                    "test/recon": np.exp(0.2 * rng.standard_normal(8)),
                }
            ),
        )
        for scale, beta in ((1.0, 1.0), (0.5, 4.0))
    ]
    return compare_arms(*arms)


def test_more_seeds_are_a_chance_for_each_pair_and_no_promise_for_all() -> None:
    pairs = [undecided(pair) for pair in range(1, 7)]
    assert {one.verdict for one in pairs} == {"undecided"}
    (told,) = Equivalences(Examined({"seeds": pairs})).statements
    most = max(one.if_equal or 0 for one in pairs)
    assert (
        f"with {most} more seeds an arm, {2 * most} in all, as both arms share their "
        "seeds, each undecided pair that is truly equal would be found so with a chance of "
        "at least 0.8"
    ) in told.text


def test_models_without_aliases_are_said_to_have_none() -> None:
    found = Equivalences(Examined({}, {"seeds": "too few."}, note="UVB has none"))
    assert [one.text for one in found.statements] == [
        "Equivalence (disjoint seeds (TOST)) has no verdict: too few.",
        "Equivalence: UVB has none.",
    ]


def test_only_the_data_sets_of_the_experiment_are_named(tmp_path: Path) -> None:
    storage = planted.write(tmp_path, list(planted.sigma_trials(1)))
    planted.put(
        storage / "datasets" / "other.json",
        {"schema": 1, "name": "mnist", "checksum": "other", "dims": 784, "eigenvalues": [1.0]},
    )
    assert list(load.from_storage(storage, "imaginary-noise").spectra) == [planted.CHECKSUM]
