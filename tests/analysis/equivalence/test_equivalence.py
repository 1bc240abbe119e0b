"""Levels c and d: independent seeds that are equal, that differ by the margin, that differ."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.equivalence import (
    DIFFERENT,
    EQUIVALENT,
    UNDECIDED,
    UNUSABLE,
    Examined,
    across_seeds,
    alias_pairs,
    collapse,
    examine,
    no_theorem,
    tost,
)
from analysis.equivalence.aliases import deal
from analysis.equivalence.tost import seeds_missing
from analysis.equivalence.verdict import said
from analysis.errors import AnalysisError
from analysis.report.parts.equivalences import Equivalences, blocks
from analysis.sources.frames import history_frame
from analysis.sources.schema import Experiment
from tests.analysis.equivalence.test_twins import twin_experiment


def test_groups_of_trials_are_named_in_their_verdicts() -> None:
    two = pd.concat([sweep(12), sweep(12, shift=0.5).assign(d_z=50)])
    assert [one.labels[0] for one in across_seeds(two)] == [
        "d_z = 50, σ = 0.06, β = 1",
        "d_z = 50, σ = 0.12, β = 1",
        "d_z = 100, σ = 0.06, β = 1",
        "d_z = 100, σ = 0.12, β = 1",
    ]
    found = {one.where: one.verdict for one in collapse(two, 0.3)}
    assert found == {"d_z = 50": DIFFERENT, "d_z = 100": EQUIVALENT}
    assert "test KL (d_z = 50) onto" in collapse(two)[0].sentence()


def test_shared_seeds_are_dealt_to_disjoint_arms() -> None:
    assert deal([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) == ([1, 3, 5], [2, 4])
    assert deal([1, 2], [3, 4]) == ([1, 2], [3, 4])
    assert deal([1, 2, 9], [1, 2]) == ([2, 9], [1])


def test_common_seeds_are_said_to_be_divided() -> None:
    """A reader who trained both arms with the same ten seeds finds five a side."""
    shared = across_seeds(sweep())
    told = "with 5 and 5 disjoint seeds (common seeds divided between them)"
    assert [told in one.sentence() for one in shared] == [True, True]
    own = [replace(one, dealt=False) for one in shared]
    assert [told in one.sentence() for one in own] == [False, False]
    for verdicts, divided in ((shared, True), (own, False)):
        (table,) = blocks(Equivalences(Examined({"seeds": verdicts})))
        assert table.content["dealt"] is divided


def sweep(
    seeds: int = 10,
    shift: float = 0.0,
    bend: float = -0.18,
    rng: np.random.Generator | None = None,
    x: str = "sigma",
) -> pd.DataFrame:
    """β = 1 at nine σ and two aliases; log KL bent in s, plus shift·log β and seed effects."""
    rng = rng or np.random.default_rng(11)
    cells = [(0.03 * i, 1.0) for i in range(1, 10)] + [(0.03, 4.0), (0.03, 16.0)]
    power = 0.5 if x == "sigma" else 1.0
    cells = cells if x == "sigma" else [*cells[:9], (0.03, 2.0), (0.03, 4.0)]
    rows = []
    for noise, beta in cells:
        s = np.log(noise) + power * np.log(beta)
        for seed in range(seeds):
            log_kl = 1 - 1.2 * s + bend * (s + 2) ** 2 + shift * np.log(beta)
            rows.append(
                {
                    "model": f"{x}_vae",
                    x: noise,
                    "beta": beta,
                    "seed": seed,
                    "d_z": 100,
                    "status": "finished",
                    "role": "declared",
                    "checksum": "c",
                    "epoch": 5.0,
                    "training": "converged",
                    "test/kl": np.exp(log_kl + 0.02 * rng.standard_normal()),
                    "test/recon": np.exp(s + 0.02 * rng.standard_normal()),
                }
            )
    return pd.DataFrame(rows)


def test_alias_pairs_are_found_and_ordered() -> None:
    pairs = alias_pairs(sweep(2))
    assert [(p.first.label, p.second.label) for p in pairs] == [
        ("σ = 0.06, β = 1", "σ = 0.03, β = 4"),
        ("σ = 0.12, β = 1", "σ = 0.03, β = 16"),
    ]
    assert [p.effective for p in pairs] == pytest.approx([0.06, 0.12])
    two = pd.concat([sweep(2), sweep(2).assign(d_z=50)])
    assert len(alias_pairs(two)) == 4
    assert len(alias_pairs(sweep(2, x="alpha"))) == 2


@pytest.mark.parametrize(("shift", "verdict"), [(0.0, EQUIVALENT), (0.2, DIFFERENT)])
def test_level_c_across_disjoint_seeds(shift: float, verdict: str) -> None:
    for found in across_seeds(sweep(12, shift)):
        assert found.verdict == verdict
        assert found.dealt
        assert not set(found.seeds[0]) & set(found.seeds[1])
        assert json.dumps(found.to_json(), allow_nan=False)
        assert verdict in found.sentence()


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_level_c_with_too_few_seeds(seeds: int) -> None:
    for found in across_seeds(sweep(seeds)):
        assert found.verdict == UNDECIDED
        assert found.needs is not None
        assert found.needs >= 1
        assert "more seed" in found.sentence()
        assert json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("value", "says"),
    [(np.nan, "missing or not finite in 12 of 12"), (0.001, "below 0.01 nats in 12 of 12")],
)
def test_a_pair_that_cannot_be_used_says_so_and_leaves_the_others(value: float, says: str) -> None:
    frame = sweep(12)
    frame.loc[frame["beta"] == 4, "test/kl"] = value
    bad, good = across_seeds(frame)
    assert (bad.verdict, good.verdict) == (UNUSABLE, EQUIVALENT)
    assert says in bad.sentence()
    assert bad.sentence().startswith("(σ = 0.06, β = 1) and (σ = 0.03, β = 4): unusable: test KL")
    assert json.dumps(bad.to_json(), allow_nan=False)
    found = collapse(pd.concat([frame, sweep(12).assign(d_z=50)]))
    assert {one.where: one.verdict for one in found} == {
        "d_z = 100": UNUSABLE,
        "d_z = 50": EQUIVALENT,
    }
    assert says.split(" in ")[0] in found[1].sentence()
    assert json.dumps([one.to_json() for one in found], allow_nan=False)


def test_nothing_usable_is_refused() -> None:
    frame = sweep(6).assign(**{"test/kl": lambda f: f["test/kl"].where(f["beta"] == 1)})
    with pytest.raises(AnalysisError, match="missing or not finite"):
        across_seeds(frame)
    with pytest.raises(AnalysisError, match="missing or not finite"):
        collapse(frame)


def test_models_without_the_theorem_get_no_verdict() -> None:
    frame = sweep(12).assign(model="uvb")
    assert across_seeds(frame) == []
    assert collapse(frame) == []
    experiment = Experiment(
        "t",
        pd.concat(
            [frame.assign(trial="u", twin_of=None), sweep(12).assign(trial="s", twin_of=None)]
        ),
        history_frame([], {}),
    )
    found = examine(experiment)
    assert (
        "UVB was trained at several β, but only of the σ-VAE and the α-VAE are twins known"
        in found.note
    )
    assert [one.verdict for one in found.verdicts["seeds"]] == [EQUIVALENT, EQUIVALENT]
    assert not found.refusals
    assert no_theorem(sweep(12)) == no_theorem(frame[frame["beta"] == 1]) == ""


@pytest.mark.parametrize("column", ["beta", "sigma"])
def test_a_weight_or_scale_of_zero_has_no_alias(column: str) -> None:
    frame = sweep(12)
    zero = frame.query("beta == 4 and sigma < 0.04").assign(**{column: 0.0})
    both = pd.concat([frame, zero, zero.assign(sigma=0.2, beta=0.0)])
    assert [one.labels for one in across_seeds(both)] == [
        one.labels for one in across_seeds(frame)
    ]
    assert collapse(both)[0].delta == collapse(frame)[0].delta


@pytest.mark.parametrize("margin", [0.0, -1.0, np.inf, np.nan])
def test_a_margin_that_decides_everything_or_nothing_is_refused(margin: float) -> None:
    for ask in (
        lambda: across_seeds(sweep(2), margin),
        lambda: collapse(sweep(2), margin),
        lambda: collapse(sweep(2), delta_margin=margin),
        lambda: examine(twin_experiment(lambda e: 0.0), margin),
        lambda: tost([1.0, 2.0], [1.0, 2.0], margin),
    ):
        with pytest.raises(AnalysisError, match="must be a finite number above zero"):
            ask()


def test_the_margin_on_delta_follows_the_largest_weight() -> None:
    """A log ratio of 0.10 at β = 16, the farthest from 1, is 0.10/log 16 on δ."""
    (found,) = collapse(sweep(8))
    assert found.margin == pytest.approx(0.10 / np.log(16))
    assert found.test is not None
    assert found.test.margin == found.margin
    (other,) = collapse(sweep(8), 0.3)
    assert other.margin == pytest.approx(0.3 / np.log(16))
    (named,) = collapse(sweep(8), delta_margin=0.02)
    assert named.margin == 0.02


def copied(frame: pd.DataFrame) -> pd.DataFrame:
    """Every seed twice more, under other names."""
    return pd.concat([frame.assign(seed=frame["seed"] + 100 * i) for i in range(3)])


def test_copied_seeds_count_once() -> None:
    frame = sweep(6, 0.02)
    for one, more in zip(across_seeds(frame), across_seeds(copied(frame)), strict=True):
        assert (more.copies, one.copies) == (12, 0)
        assert more.tests == one.tests
        assert "(12 more seeds that only repeat the numbers of another)" in more.sentence()
    (one,), (more,) = collapse(frame), collapse(copied(frame))
    assert (more.test, more.copies, one.copies) == (one.test, 12, 0)
    assert "12 more seeds that only repeat" in more.sentence()


def test_a_copy_in_the_other_arm_is_no_evidence() -> None:
    frame = sweep(12).query("beta == 1 or beta == 4")
    first = frame.query("beta == 1 and 0.05 < sigma < 0.07")
    other = first.assign(sigma=0.03, beta=4.0, seed=first["seed"] + 100)
    (found,) = across_seeds(pd.concat([frame.query("beta == 1"), other]))
    assert (found.verdict, found.tests, found.copies) == (UNDECIDED, {}, 12)


def test_the_seeds_that_are_missing_are_told_for_a_grid_that_shares_them() -> None:
    found = across_seeds(
        sweep(8, rng=np.random.default_rng(0)).assign(**{"test/kl": lambda f: f["test/kl"] ** 3})
    )[0]
    assert (found.verdict, found.dealt) == (UNDECIDED, True)
    assert found.needs is not None
    assert (found.needs, found.if_equal) == seeds_missing(list(found.tests.values()))
    assert f"needs {found.needs} more seed" in found.sentence()
    assert f", {2 * found.needs} in all, as both arms share their seeds" in found.sentence()
    own = sweep(8).assign(seed=lambda f: f["seed"] + 100 * (f["beta"] != 1))
    assert not across_seeds(own)[0].dealt
    assert "in all" not in said(UNDECIDED, 3, 1)
    assert said(UNDECIDED, 3, 1, dealt=True) == (
        "undecided (needs 3 more seeds an arm, 6 in all, as both arms share their seeds; if "
        "the two are truly equal, 1 more (2 in all))"
    )


def test_twins_stay_out_of_levels_c_and_d() -> None:
    twin = sweep(6).query("beta != 1").assign(role="twin")
    frame = pd.concat([sweep(6).query("beta == 1"), twin])
    assert across_seeds(frame) == []
    assert collapse(frame) == []


@pytest.mark.parametrize(
    ("x", "shift", "verdict"),
    [("sigma", 0.0, EQUIVALENT), ("alpha", 0.0, EQUIVALENT), ("sigma", 0.2, DIFFERENT)],
)
def test_level_d_collapse_with_a_bent_law(x: str, shift: float, verdict: str) -> None:
    (found,) = collapse(sweep(14, shift, x=x))
    assert found.verdict == verdict
    assert found.delta == pytest.approx(shift, abs=0.03)
    assert found.curve[2] == pytest.approx(-0.18, abs=0.03)
    assert json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.slow
def test_level_d_keeps_its_error_rate_at_the_margin() -> None:
    """δ exactly at the margin is called equivalent in about 5 % of sweeps."""
    rng = np.random.default_rng(8)
    found = [collapse(sweep(10, 0.05, rng=rng), delta_margin=0.05)[0] for _ in range(150)]
    assert np.mean([verdict.verdict == EQUIVALENT for verdict in found]) <= 0.11
    assert np.mean([verdict.delta for verdict in found]) == pytest.approx(0.05, abs=0.003)


def test_level_d_with_few_seeds_is_undecided() -> None:
    (found,) = collapse(sweep(2))
    assert (found.verdict, found.test) == (UNDECIDED, None)
    assert "needs" in found.sentence()
    assert json.dumps(found.to_json(), allow_nan=False)
