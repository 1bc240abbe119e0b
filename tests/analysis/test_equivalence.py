"""Equivalence: pairs that are equal, that differ by exactly the margin, and that differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.weightstats import ttost_ind

from analysis.equivalence import (
    DIFFERENT,
    EQUIVALENT,
    UNDECIDED,
    UNUSABLE,
    Pieces,
    Tost,
    across_seeds,
    algebra,
    algebra_of_twins,
    alias_pairs,
    collapse,
    examine,
    no_theorem,
    seeds_needed,
    tost,
    tost_power,
    twins,
)
from analysis.equivalence.aliases import deal
from analysis.equivalence.tost import jointly, seeds_missing, together
from analysis.equivalence.verdict import said
from analysis.errors import AnalysisError
from analysis.frames import history_frame
from analysis.schema import Experiment


def objectives(noise: float, beta: float, power: int, constant: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    recon, kl = rng.uniform(1, 30, 50), rng.uniform(1, 30, 50)
    scale = 1 / (2 * noise**2) if power == 2 else 1 / noise
    return -scale * recon - beta * kl - constant


@pytest.mark.parametrize(("x", "first", "second"), [("sigma", (0.1, 4.0), (0.2, 1.0)),
                                                    ("sigma", (0.1, 9.0), (0.3, 1.0)),
                                                    ("alpha", (0.1, 3.0), (0.3, 1.0))])
def test_aliases_are_proportional_up_to_a_constant(x: str, first: tuple[float, float],
                                                   second: tuple[float, float]) -> None:
    power = 2 if x == "sigma" else 1
    found = algebra(Pieces(*first, objectives(*first, power, 3.0), gradient=[1.0, 2.0]),
                    Pieces(*second, objectives(*second, power, -7.0), gradient=[2.0, 4.0]), x)
    assert found.verdict == EQUIVALENT
    assert found.factor == pytest.approx((first[0] / second[0]) ** power)
    assert found.deviation < 1e-12
    assert found.angle == pytest.approx(0, abs=1e-15)
    json.dumps(found.to_json(), allow_nan=False)


def test_a_wrong_objective_is_different() -> None:
    wrong = objectives(0.2, 1.1, 2, 0.0)
    found = algebra(Pieces(0.1, 4.0, objectives(0.1, 4.0, 2, 0.0)), Pieces(0.2, 1.0, wrong))
    assert found.verdict == DIFFERENT
    turned = Pieces(0.2, 1.0, objectives(0.2, 1.0, 2, 0.0), [1.0, 0.0])
    found = algebra(Pieces(0.1, 4.0, objectives(0.1, 4.0, 2, 0.0), [1.0, 1e-3]), turned)
    assert found.verdict == DIFFERENT


def test_what_is_no_alias_is_refused() -> None:
    with pytest.raises(AnalysisError, match="no aliases"):
        algebra(Pieces(0.1, 4.0, [1, 2]), Pieces(0.3, 1.0, [1, 2]))
    with pytest.raises(AnalysisError, match="two or more points"):
        algebra(Pieces(0.1, 4.0, [1]), Pieces(0.2, 1.0, [1]))


def twin_experiment(change: Callable[[int], float]) -> Experiment:
    """A trial and its twin whose log KL differs by change(epoch)."""
    trials = pd.DataFrame({"trial": ["a", "b"], "label": ["A", "B"], "seed": [1, 1],
                           "role": ["declared", "twin"], "twin_of": [None, "a"]})
    records = {name: [{"epoch": e, "time_ms": 0, "metrics": {
        "test/kl": 9.0 / e * np.exp(factor * change(e)), "test/recon": 2.0, "test/elbo": -e}}
        for e in range(1, 6)] for name, factor in (("a", 0.0), ("b", 1.0))}
    return Experiment("t", trials, history_frame(records.items(), {"a": 1, "b": 1}))


@pytest.mark.parametrize(("change", "verdict", "exact"), [
    (lambda e: 0.0, EQUIVALENT, True), (lambda e: 1e-6, EQUIVALENT, False),
    (lambda e: 0.1, DIFFERENT, False), (lambda e: 1e-6 * 10**e, UNDECIDED, False)])
def test_twins(change: Callable[[int], float], verdict: str, exact: bool) -> None:
    found, = twins(twin_experiment(change))
    assert (found.verdict, found.exact) == (verdict, exact)
    assert found.difference == pytest.approx(max(abs(change(e)) for e in range(1, 6)), rel=1e-6)
    assert (found.n, found.steps) == (10, 5)
    assert json.dumps(found.to_json(), allow_nan=False)
    assert "A and its twin B" in found.sentence()


def test_twins_without_a_common_history_are_undecided() -> None:
    whole = twin_experiment(lambda e: 0.0)
    half = whole.history[whole.history["trial"] == "a"]
    found, = twins(Experiment("t", whole.trials, half))
    assert (found.verdict, found.n) == (UNDECIDED, 0)
    assert json.dumps(found.to_json(), allow_nan=False)
    assert twins(Experiment("t", whole.trials.assign(twin_of=None), half)) == []


def trained_twins(factor: float, drift: float) -> Experiment:
    """(σ = 0.1, β = 1) and (σ = 0.05, β = 4), whose objectives have the ratio `factor`."""
    whole = twin_experiment(lambda e: drift)
    trials = whole.trials.assign(sigma=[0.1, 0.05], beta=[1.0, 4.0])
    lines = pd.DataFrame([{"trial": name, "seed": 1.0, "metric": "train/objective", "step": step,
                           "time_ms": 0, "value": scale * -100.0 / step}
                          for name, scale in (("a", 1.0), ("b", factor)) for step in range(1, 6)])
    return Experiment("t", trials, pd.concat([whole.history, lines], ignore_index=True))


@pytest.mark.parametrize(("factor", "verdict"), [(4.0, EQUIVALENT), (4.0 * (1 + 1e-7), EQUIVALENT),
                                                 (4.01, DIFFERENT), (1.0, DIFFERENT)])
def test_twins_show_that_their_objectives_are_proportional(factor: float, verdict: str) -> None:
    found, = algebra_of_twins(trained_twins(factor, 0.0))
    assert (found.verdict, found.factor) == (verdict, pytest.approx(4.0))
    assert "the objectives of A and B" in found.sentence()
    assert json.dumps(found.to_json(), allow_nan=False)


def test_twins_that_drifted_apart_have_no_common_parameters() -> None:
    assert algebra_of_twins(trained_twins(4.0, 0.1)) == []
    assert algebra_of_twins(twin_experiment(lambda e: 0.0)) == []


def test_tost_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 0.03, 6), rng.normal(0.02, 0.06, 9)
    p, _, _ = ttost_ind(a, b, -0.1, 0.1, usevar="unequal")
    assert tost(a, b, 0.1).p == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(("gap", "expected", "least"), [(0.0, EQUIVALENT, 0.95),
                                                        (0.1, UNDECIDED, 0.88),
                                                        (0.2, DIFFERENT, 0.95)])
def test_verdicts_of_planted_pairs(gap: float, expected: str, least: float) -> None:
    rng = np.random.default_rng(4)
    arms = zip(rng.normal(0, 0.04, (400, 8)), rng.normal(gap, 0.04, (400, 8)), strict=True)
    verdicts = Counter(tost(a, b, 0.1).verdict for a, b in arms)
    assert verdicts[expected] / 400 >= least
    if gap == 0.1:
        assert verdicts[EQUIVALENT] / 400 <= 0.08


def test_few_seeds_decide_nothing_but_say_how_many_are_missing() -> None:
    found = tost([0.0, 0.001, 0.002], [0.0, 0.001, 0.002], 0.1)
    assert (found.verdict, found.needs, found.if_equal) == (UNDECIDED, 2, 2)


def test_seeds_missing_are_told_as_seen_and_for_true_equality() -> None:
    arms = np.array([-0.09, 0.0, 0.09, 0.05, -0.05]), np.array([-0.09, 0.0, 0.09, 0.05, -0.05])
    near = tost(arms[0] + 0.06, arms[1], 0.1)
    sd = float(np.std(arms[0], ddof=1))
    total, least = seeds_needed(sd, 0.1, 0.06), seeds_needed(sd, 0.1)
    assert total is not None
    assert least is not None
    assert (near.needs, near.if_equal) == (total - 5, least - 5)
    assert said(UNDECIDED, near.needs, near.if_equal) == (
        f"undecided (needs {total - 5} more seeds an arm; if the two are truly equal, "
        f"{least - 5} more)")
    at_margin = tost(arms[0] + 0.0999, arms[1], 0.1)
    assert (at_margin.needs, at_margin.if_equal) == (None, least - 5)
    assert "more than 1,000 seeds an arm; if" in said(UNDECIDED, None, at_margin.if_equal)
    assert said(UNDECIDED, 1) == "undecided (needs 1 more seed an arm)"
    assert said(EQUIVALENT, 3, 3) == EQUIVALENT


def test_groups_of_trials_are_named_in_their_verdicts() -> None:
    two = pd.concat([sweep(12), sweep(12, shift=0.5).assign(d_z=50)])
    assert [one.labels[0] for one in across_seeds(two)] == [
        "d_z = 50, σ = 0.06, β = 1", "d_z = 50, σ = 0.12, β = 1",
        "d_z = 100, σ = 0.06, β = 1", "d_z = 100, σ = 0.12, β = 1"]
    found = {one.where: one.verdict for one in collapse(two, 0.3)}
    assert found == {"d_z = 50": DIFFERENT, "d_z = 100": EQUIVALENT}
    assert "test KL (d_z = 50) onto" in collapse(two)[0].sentence()


@pytest.mark.parametrize(("sd", "low", "high"), [(0.019, 16, 19), (0.048, 95, 103)])
def test_seeds_needed_for_a_margin_of_two_per_cent(sd: float, low: int, high: int) -> None:
    needed = seeds_needed(sd, 0.02)
    assert needed is not None
    assert low <= needed <= high
    assert tost_power(sd, 0.02, needed) >= 0.8 > tost_power(sd, 0.02, needed - 1)
    assert seeds_needed(0.05, 0.1, difference=0.0999) is None


@pytest.mark.parametrize(("n", "gap"), [(10, 0.0), (12, 0.04), (15, 0.16)])
def test_power_is_what_simulation_gives(n: int, gap: float) -> None:
    rng = np.random.default_rng(2)
    arms = zip(rng.normal(0, 0.06, (1500, n)), rng.normal(gap, 0.06, (1500, n)), strict=True)
    wanted = EQUIVALENT if gap < 0.1 else DIFFERENT
    share = np.mean([tost(a, b, 0.1).verdict == wanted for a, b in arms])
    assert share == pytest.approx(tost_power(0.06, 0.1, n, gap), abs=0.04)


@pytest.mark.parametrize(("a", "b", "margin"), [([1.0], [1.0, 2.0], 0.1),
                                                ([1.0, np.nan], [1.0, 2.0], 0.1),
                                                ([1.0, 2.0], [1.0, 2.0], 0.0)])
def test_tost_refuses_what_it_cannot_test(a: list[float], b: list[float], margin: float) -> None:
    with pytest.raises(AnalysisError):
        tost(a, b, margin)


def test_shared_seeds_are_dealt_to_disjoint_arms() -> None:
    assert deal([1, 2, 3, 4, 5], [1, 2, 3, 4, 5]) == ([1, 3, 5], [2, 4])
    assert deal([1, 2], [3, 4]) == ([1, 2], [3, 4])
    assert deal([1, 2, 9], [1, 2]) == ([2, 9], [1])


def sweep(seeds: int = 10, shift: float = 0.0, bend: float = -0.18,
          rng: np.random.Generator | None = None, x: str = "sigma") -> pd.DataFrame:
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
            rows.append({"model": f"{x}_vae", x: noise, "beta": beta, "seed": seed, "d_z": 100,
                         "status": "finished", "role": "declared", "checksum": "c", "epoch": 5.0,
                         "test/kl": np.exp(log_kl + 0.02 * rng.standard_normal()),
                         "test/recon": np.exp(s + 0.02 * rng.standard_normal())})
    return pd.DataFrame(rows)


def test_alias_pairs_are_found_and_ordered() -> None:
    pairs = alias_pairs(sweep(2))
    assert [(p.first.label, p.second.label) for p in pairs] == [
        ("σ = 0.06, β = 1", "σ = 0.03, β = 4"), ("σ = 0.12, β = 1", "σ = 0.03, β = 16")]
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


@pytest.mark.parametrize(("value", "says"), [(np.nan, "missing or not finite in 12 of 12"),
                                             (0.001, "below 0.01 nats in 12 of 12")])
def test_a_pair_that_cannot_be_used_says_so_and_leaves_the_others(value: float,
                                                                  says: str) -> None:
    frame = sweep(12)
    frame.loc[frame["beta"] == 4, "test/kl"] = value
    bad, good = across_seeds(frame)
    assert (bad.verdict, good.verdict) == (UNUSABLE, EQUIVALENT)
    assert says in bad.sentence()
    assert bad.sentence().startswith("(σ = 0.06, β = 1) and (σ = 0.03, β = 4): unusable: test KL")
    assert json.dumps(bad.to_json(), allow_nan=False)
    found = collapse(pd.concat([frame, sweep(12).assign(d_z=50)]))
    assert {one.where: one.verdict for one in found} == {"d_z = 100": UNUSABLE,
                                                         "d_z = 50": EQUIVALENT}
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
    experiment = Experiment("t", pd.concat([frame.assign(trial="u", twin_of=None),
                                            sweep(12).assign(trial="s", twin_of=None)]),
                            history_frame([], {}))
    found = examine(experiment)
    assert "UVB was trained at several β, but the theorems" in found.note
    assert [one.verdict for one in found.verdicts["seeds"]] == [EQUIVALENT, EQUIVALENT]
    assert not found.refusals
    assert no_theorem(sweep(12)) == no_theorem(frame[frame["beta"] == 1]) == ""


@pytest.mark.parametrize("column", ["beta", "sigma"])
def test_a_weight_or_scale_of_zero_has_no_alias(column: str) -> None:
    frame = sweep(12)
    zero = frame.query("beta == 4 and sigma < 0.04").assign(**{column: 0.0})
    both = pd.concat([frame, zero, zero.assign(sigma=0.2, beta=0.0)])
    assert [one.labels for one in across_seeds(both)] == [one.labels for one in
                                                          across_seeds(frame)]
    assert collapse(both)[0].delta == collapse(frame)[0].delta


@pytest.mark.parametrize("margin", [0.0, -1.0, np.inf, np.nan])
def test_a_margin_that_decides_everything_or_nothing_is_refused(margin: float) -> None:
    for ask in (lambda: across_seeds(sweep(2), margin), lambda: collapse(sweep(2), margin),
                lambda: collapse(sweep(2), delta_margin=margin),
                lambda: examine(twin_experiment(lambda e: 0.0), margin),
                lambda: tost([1.0, 2.0], [1.0, 2.0], margin)):
        with pytest.raises(AnalysisError, match="must be a finite number above zero"):
            ask()


def test_the_margin_on_delta_follows_the_largest_weight() -> None:
    """A log ratio of 0.10 at β = 16, the farthest from 1, is 0.10/log 16 on δ."""
    found, = collapse(sweep(8))
    assert found.margin == pytest.approx(0.10 / np.log(16))
    assert found.test is not None
    assert found.test.margin == found.margin
    other, = collapse(sweep(8), 0.3)
    assert other.margin == pytest.approx(0.3 / np.log(16))
    named, = collapse(sweep(8), delta_margin=0.02)
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
    found, = across_seeds(pd.concat([frame.query("beta == 1"), other]))
    assert (found.verdict, found.tests, found.copies) == (UNDECIDED, {}, 12)


def apart(rng: np.random.Generator, gaps: tuple[float, float], n: int) -> dict[str, Tost]:
    return {str(i): tost(rng.normal(0, 0.04, n), rng.normal(gap, 0.04, n), 0.1)
            for i, gap in enumerate(gaps)}


@pytest.mark.parametrize("n", [5, 12])
def test_two_metrics_at_the_margin_are_called_different_in_five_per_cent_at_most(n: int) -> None:
    rng = np.random.default_rng(6)
    tests = [apart(rng, (0.1, -0.1), n) for _ in range(1500)]
    plain = np.mean([together(one) == DIFFERENT for one in tests])
    corrected = np.mean([together(jointly(one)) == DIFFERENT for one in tests])
    assert plain > 0.08
    assert corrected <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1500)
    assert np.mean([together(jointly(one)) == EQUIVALENT for one in tests]) <= 0.05


def test_a_pair_that_differs_is_still_found_after_the_correction() -> None:
    rng = np.random.default_rng(6)
    found = [together(jointly(apart(rng, (0.0, 0.25), 8))) for _ in range(200)]
    assert np.mean([one == DIFFERENT for one in found]) > 0.95


def test_a_difference_far_below_its_noise_is_no_difference_beyond_a_small_margin() -> None:
    """Both tails count: without the second, a tiny margin is exceeded in 10 % of cases."""
    rng = np.random.default_rng(3)
    found = [tost(rng.normal(0, 1, 8), rng.normal(0, 1, 8), 1e-3).verdict for _ in range(1500)]
    assert np.mean([one == DIFFERENT for one in found]) <= 0.05 + 2 * np.sqrt(0.0475 / 1500)


@pytest.mark.parametrize("gap", [0.0, 0.03])
def test_the_seeds_that_are_missing_decide_both_metrics_together(gap: float) -> None:
    """Each alone at 0.8 would decide both in 0.64 of sweeps."""
    single, both = seeds_needed(0.1, 0.1, gap), seeds_needed(0.1, 0.1, gap, tests=2)
    assert single is not None
    assert both is not None
    assert both > single
    rng = np.random.default_rng(1)
    joint = [together(jointly({str(i): tost(rng.normal(0, 0.1, both),
                                            rng.normal(gap, 0.1, both), 0.1) for i in (0, 1)}))
             for _ in range(400)]
    assert 0.8 <= np.mean([one == EQUIVALENT for one in joint]) <= 0.9
    assert tost_power(0.1, 0.1, single, gap) ** 2 < 0.75


def test_the_seeds_that_are_missing_are_told_for_a_grid_that_shares_them() -> None:
    found = across_seeds(sweep(8, rng=np.random.default_rng(0)).assign(**{
        "test/kl": lambda f: f["test/kl"] ** 3}))[0]
    assert (found.verdict, found.dealt) == (UNDECIDED, True)
    assert found.needs is not None
    assert (found.needs, found.if_equal) == seeds_missing(list(found.tests.values()))
    assert f"needs {found.needs} more seed" in found.sentence()
    assert f", {2 * found.needs} in the grid, whose seeds both arms share" in found.sentence()
    own = sweep(8).assign(seed=lambda f: f["seed"] + 100 * (f["beta"] != 1))
    assert not across_seeds(own)[0].dealt
    assert "in the grid" not in said(UNDECIDED, 3, 1)
    assert said(UNDECIDED, 3, 1, dealt=True) == (
        "undecided (needs 3 more seeds an arm, 6 in the grid, whose seeds both arms share; if "
        "the two are truly equal, 1 more (2 in the grid))")


def test_the_power_has_two_arms_of_degrees_of_freedom() -> None:
    """2 (n − 1) of them, against the noncentral t of Phillips (1990) worked out by hand."""
    n, sd, margin = 3, 0.03, 0.1
    se, df = sd * np.sqrt(2 / n), 2 * n - 2
    critical = stats.t.ppf(0.95, df)
    assert tost_power(sd, margin, n) == pytest.approx(
        2 * stats.nct.sf(critical, df, margin / se) - 1, rel=1e-9)
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, sd, (2, 20000, n))
    spread = np.sqrt((a.var(1, ddof=1) + b.var(1, ddof=1)) / n)
    decided = (margin - np.abs(a.mean(1) - b.mean(1))) / spread > critical
    assert decided.mean() == pytest.approx(tost_power(sd, margin, n), abs=0.01)


def test_twins_stay_out_of_levels_c_and_d() -> None:
    twin = sweep(6).query("beta != 1").assign(role="twin")
    frame = pd.concat([sweep(6).query("beta == 1"), twin])
    assert across_seeds(frame) == []
    assert collapse(frame) == []


@pytest.mark.parametrize(("x", "shift", "verdict"), [("sigma", 0.0, EQUIVALENT),
                                                     ("alpha", 0.0, EQUIVALENT),
                                                     ("sigma", 0.2, DIFFERENT)])
def test_level_d_collapse_with_a_bent_law(x: str, shift: float, verdict: str) -> None:
    found, = collapse(sweep(14, shift, x=x))
    assert found.verdict == verdict
    assert found.delta == pytest.approx(shift, abs=0.03)
    assert found.curve[2] == pytest.approx(-0.18, abs=0.03)
    assert json.dumps(found.to_json(), allow_nan=False)


def test_level_d_keeps_its_error_rate_at_the_margin() -> None:
    """δ exactly at the margin is called equivalent in about 5 % of sweeps."""
    rng = np.random.default_rng(8)
    found = [collapse(sweep(10, 0.05, rng=rng), delta_margin=0.05)[0] for _ in range(150)]
    assert np.mean([verdict.verdict == EQUIVALENT for verdict in found]) <= 0.11
    assert np.mean([verdict.delta for verdict in found]) == pytest.approx(0.05, abs=0.003)


def test_level_d_with_few_seeds_is_undecided() -> None:
    found, = collapse(sweep(2))
    assert (found.verdict, found.test) == (UNDECIDED, None)
    assert "needs" in found.sentence()
    assert json.dumps(found.to_json(), allow_nan=False)
