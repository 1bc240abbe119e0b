"""All tests of a report are one family: corrected once, and shown alike wherever they stand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import report
from analysis.figures.drawing.families import families
from analysis.figures.drawing.view import View, look
from analysis.laws.powerlaw import Law
from analysis.report import ReportSettings
from analysis.report.parts import drawings, equivalences, law_table
from analysis.report.parts.one_family import family_part
from analysis.sources import load
from analysis.sources.schema import HISTORY, Experiment
from analysis.statistics.multiplicity import holm
from analysis.wording import number
from tests.analysis import storage_fixture as planted
from tests.analysis.laws.test_scaling import sweep

LAW = Law("sigma", "test/kl", (0.03, 0.27))


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """A law, two pairs of aliases and their collapse."""
    trials = [*planted.sigma_trials(12), *planted.alias_trials(12)]
    storage = planted.write(tmp_path_factory.mktemp("storage"), trials)
    return load.from_storage(storage, "imaginary-noise")


@pytest.fixture(scope="module")
def view(experiment: Experiment) -> View:
    return look(experiment, LAW, 0.1, None)


@pytest.fixture(scope="module")
def numbers(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    page = report.write(experiment, tmp_path_factory.mktemp("report"), ReportSettings(law=LAW))
    found: dict[str, Any] = json.loads(page.with_name("report.json").read_text("utf-8"))
    return found


def test_a_number_alone_beside_a_published_one_is_not_corrected(tmp_path: Path) -> None:
    storage = planted.write(tmp_path, [*planted.alpha_trials(5)])
    experiment = load.from_storage(storage, "imaginary-noise")
    page = report.write(experiment, tmp_path, ReportSettings(law=Law("alpha", "test/kl")))
    numbers = json.loads(page.with_name("report.json").read_text("utf-8"))
    (row,) = numbers["published"]
    assert numbers["published_values"] == []
    assert row["p_holm"] is None
    assert "Holm" not in row["sentence"]
    assert "degrees of freedom, p = " in row["sentence"]


def test_a_law_that_hardly_meets_the_published_curve_is_not_tested(
    numbers: dict[str, Any],
) -> None:
    (row,) = numbers["published"]
    assert (row["p"], row["difference"], row["range"]) == (None, None, "")
    assert "not tested: 6 of our values of σ are within the range of the table" in row["sentence"]


def test_laws_pairs_and_collapse_are_corrected_together(numbers: dict[str, Any]) -> None:
    (law,) = numbers["laws"]
    verdicts = numbers["equivalence"]["verdicts"]
    assert [one["level"] for one in verdicts] == ["seeds", "seeds", "collapse"]
    own = [law["p"]]
    for one in verdicts:
        tests = one["tests"].values() if "tests" in one else [one["test"]]
        same = max(test["p"] for test in tests)
        own.append(min(same, *(test["p_different"] for test in tests)))
    assert [law["p_holm"], *(one["p_holm"] for one in verdicts)] == pytest.approx(
        holm(np.array(own))
    )
    assert numbers["family"]["tests"] == 4
    assert numbers["family"]["of"] == {"law": 1, "equivalence test": 3}


def test_the_size_of_the_family_is_said_once(numbers: dict[str, Any]) -> None:
    said = [text for text in numbers["summary"] if "one family" in text]
    assert len(said) == 1
    assert said[0].startswith("4 tests are one family (Holm): 1 law and 3 equivalence tests.")


def test_the_interval_of_a_law_holds_at_once_and_its_own_stands_beside(
    view: View, numbers: dict[str, Any]
) -> None:
    (law,), (fitted,) = numbers["laws"], [one.law for one in view.claims]
    assert fitted is not None
    own = fitted.exponent.alone
    assert (law["ci_low"], law["ci_high"]) == (own.simultaneous(4).low, own.simultaneous(4).high)
    assert law["alone"]["low"] > law["ci_low"]
    assert (
        f"simultaneous for 4 tests: {law['ci_low']:.4f} to {law['ci_high']:.4f}; Holm p"
        in (law["sentence"])
    )


def test_each_pair_is_tested_at_the_level_that_its_p_is_compared_with(
    numbers: dict[str, Any],
) -> None:
    pairs = [one for one in numbers["equivalence"]["verdicts"] if one["level"] == "seeds"]
    inside = [
        all(abs(end) < test["margin"] for end in (test["low"], test["high"]))
        for one in pairs
        for test in one["tests"].values()
    ]
    assert inside == [True] * 4
    assert [one["p_holm"] < 0.05 for one in pairs] == [True, True]
    assert [one["verdict"] for one in pairs] == ["equivalent"] * 2


def test_a_law_that_is_chosen_after_the_run_is_corrected_for_all_tests(
    experiment: Experiment,
) -> None:
    later = replace(LAW, post_hoc="the law was declared after the run")
    found = look(experiment, later, 0.1, None)
    (law,) = [one.law for one in found.claims]
    assert law is not None
    assert (found.tested.tests, found.tested.counts()["law"]) == (3, 0)
    declared = next(one.law for one in look(experiment, LAW, 0.1, None).claims)
    assert declared is not None
    assert (law.p_holm, law.exponent) == (declared.p_holm, declared.exponent)
    assert law.exponent.family == 4
    said = report.summary(experiment, ReportSettings(law=later))
    expected = (
        "Post hoc, chosen after the run: 1 law, corrected for all 4 tests of this report (Holm)."
    )
    assert expected in said
    assert any("post hoc: the law was declared after the run" in text for text in said)


def test_pairs_with_a_margin_of_later_are_a_family_of_their_own(experiment: Experiment) -> None:
    found = look(experiment, LAW, 0.1, None, "the margin was chosen after the run").tested
    assert (found.tests, found.counts()["equivalence test"]) == (1, 0)
    assert found.post_hoc == {"law": 0, "trend": 0, "equivalence test": 3}
    (said,) = [one.text for one in family_part(found).statements]
    assert said == (
        "Post hoc, chosen after the run: 3 equivalence tests, corrected among themselves (Holm)."
    )
    verdicts = found.examined.across
    assert [one.p_holm for one in verdicts] == pytest.approx(
        holm(np.array([one.p for one in verdicts]))
    )


def test_a_law_of_one_seed_is_no_test_of_the_family(experiment: Experiment) -> None:
    """It describes one curve, and would make the intervals of all others wider."""
    rows = experiment.trials
    one = rows[(rows["seed"] == 0) & (rows["beta"] == 1)]
    found = look(replace(experiment, trials=one), LAW, 0.1, None)
    assert [claim.law is not None for claim in found.claims] == [True]
    assert found.tested.tests == 0
    (card,) = law_table.part(found).keys
    assert card.remark.startswith("one seed")


def test_each_interval_of_a_law_stands_once(experiment: Experiment) -> None:
    """OLS is a diagnostic of one seed's curve, and no interval of its ν beside it."""
    rows = experiment.trials
    one = rows[(rows["seed"] == 0) & (rows["beta"] == 1)]
    for trials, quoted in ((one, []), (rows, ["t interval of per-seed slopes"])):
        found = look(replace(experiment, trials=trials), LAW, 0.1, None)
        (block,) = law_table.part(found).blocks
        (row,) = block.content
        shown = [(low, high) for _, low, high in row["intervals"]]
        names = [name for name, _, _ in row["intervals"]]
        assert len(set(shown)) == len(shown) > 1
        assert [name for name in names if name in quoted] == quoted
        assert "OLS (too narrow when seeds differ)" in names
        assert "OLS t interval" not in names


def test_the_levels_of_pairs_are_explained_where_they_differ(
    experiment: Experiment, numbers: dict[str, Any], tmp_path: Path
) -> None:
    pairs = [one for one in numbers["equivalence"]["verdicts"] if one["level"] == "seeds"]
    alphas = [test["alpha"] for one in pairs for test in one["tests"].values()]
    assert len(set(alphas)) > 1
    for one in pairs:
        tests = list(one["tests"].values())
        assert (
            f"; each side tested at {100 * tests[0]['alpha']:.3g} %, Holm p = "
            in (one["sentence"])
        )
    page = report.write(experiment, tmp_path, ReportSettings(law=LAW)).read_text("utf-8")
    ends = [f"{100 - 200 * alpha:.3g}" for alpha in (max(alphas), min(alphas))]
    assert f"Their levels differ ({ends[0]} to " in page
    assert "because that method tests the surest claim most strictly." in page
    assert page.count(f"({ends[1]} %: ") >= 2, "each interval has its level beside it"


def test_nothing_is_said_of_a_collapse_before_any_kl(experiment: Experiment) -> None:
    pending = experiment.trials.drop(columns=["test/kl", "test/recon"]).assign(status="pending")
    found = look(replace(experiment, trials=pending), None, 0.1, None).tested.examined
    assert not {"collapse"} & {*found.refusals}


def wide() -> View:
    """Laws at four values of d_z, and their trend."""
    return of_rows(sweep(trend=0.1, seeds=4))


def of_rows(rows: pd.DataFrame) -> View:
    rows = rows.assign(label="a trial", epoch=100)
    return look(Experiment("wide", rows, pd.DataFrame(columns=HISTORY)), Law(), 0.1, None)


def test_a_trend_is_told_before_its_laws_and_each_has_a_card_on_top() -> None:
    view = wide()
    shown = law_table.part(view)
    (found,) = view.tested.trends
    assert shown.statements[0].text == found.answer() == shown.answer
    assert (shown.statements[1].text, shown.statements[1].detail) == (found.sentence(), True)
    ends = [number(found.laws[place].nu) for place in (0, -1)]
    assert shown.answer.startswith(f"From d_z = 10 to 80 ν goes from {ends[0]} to {ends[1]}: ")
    assert "(95 % at once with 4 more tests: " in shown.answer
    assert shown.answer.endswith(f"{found.claim()}.")
    names = [f"exponent ν in σ, {claim.family.label}" for claim in view.claims]
    assert len(names) == 4
    trend, *laws = shown.keys
    assert (trend.name, [key.name for key in laws]) == ("change of ν where d_z doubles", names)
    change = math.log(2) * view.tested.trends[0].trend.value
    assert float(trend.value) == pytest.approx(change, abs=0.005)
    assert "95 % at once: " in trend.remark
    assert "(paired over 4 seeds, Holm p = " in trend.remark


def test_verdicts_of_an_unfolded_table_are_not_listed_above_it(view: View) -> None:
    found = equivalences.part(view)
    (table,) = found.blocks
    assert not table.folded
    told = [one for one in found.statements if "disjoint seeds" in one.text]
    assert len(told) == 2
    assert all(one.card for one in told)


def test_figures_of_metrics_that_no_trial_has_are_left_out_without_a_word() -> None:
    """These trials have a KL alone: neither an error nor an ELBO."""
    absent = [one.title for one in drawings.part(wide()).blocks if one.template == "absent.html"]
    assert {"Rate and distortion", "KL over the ELBO"} & {*absent} == set()


def test_the_card_of_a_trend_says_over_which_values_it_is() -> None:
    rows = sweep().query("d_z != 40 or sigma > 0.25")
    trend, *_ = law_table.part(of_rows(rows)).keys
    said = "change of ν where d_z doubles over the 7 values of σ that all have"
    assert trend.name == said


def test_laws_come_in_the_order_of_their_numbers() -> None:
    rows = sweep().replace({"d_z": {80: 2}})
    labels = [one.label for one in families(rows, "sigma")]
    assert [label.rpartition(" = ")[2] for label in labels] == ["2", "10", "20", "40"]


def test_laws_and_their_trend_are_one_family() -> None:
    found = wide().tested
    assert {name: n for name, n in found.counts().items() if n} == {"law": 4, "trend": 1}
    (trend,) = found.trends
    assert (trend.trend.family, found.tests) == (5, 5)
    p = [claim.p for claim in found.claims] + [trend.p]
    corrected = [claim.law and claim.law.p_holm for claim in found.claims] + [trend.p_holm]
    assert corrected == pytest.approx(holm(np.array(p)))
    assert "simultaneous for 5 tests: " in trend.sentence()


def test_numbers_beside_published_ones_are_a_family_of_their_own(tmp_path: Path) -> None:
    alpha = [one for one in planted.alpha_trials(5) if one.params["alpha"] > 0.05]
    wide = [
        replace(one, params=one.params | {"sigma": 2 * one.params["sigma"]})
        for one in planted.sigma_trials(5)
    ]
    trials = planted.write(tmp_path, [*wide, *alpha])
    experiment = load.from_storage(trials, "imaginary-noise")
    law = Law("sigma", "test/kl", (0.06, 0.54))
    page = report.write(experiment, tmp_path / "report", ReportSettings(law=law))
    found = json.loads(page.with_name("report.json").read_text("utf-8"))
    assert found["family"]["of"] == {"law": 2}
    assert [row["name"] for row in found["published"]] == ["s1_table1", "s1_table3"]
    rows = found["published"] + found["published_values"]
    corrected = holm(np.array([row["p"] for row in rows], dtype=np.float64))
    assert [row["p_holm"] for row in rows] == pytest.approx(corrected)
    assert len(rows) == 2
    assert all("Holm p" in row["sentence"] for row in rows)
    sigma, of_alpha = found["published"]
    assert sigma["range"] == "over σ from 0.12 to 0.54 (ours) and from 0.1 to 0.5 (the paper's)"
    assert of_alpha["range"] == "over the 3 values of α that both have"
    assert [row["ours_at_once_with"] for row in found["published"]] == [1, 2]
    shown = page.read_text("utf-8").split("Exponents side by side", 1)[1].split("</table>")[0]
    assert shown.count("at once with all tests of the report") == 1
    assert all(row["range"].replace("'", "&#39;") in shown for row in found["published"])
    assert "ours (95 %)" in shown
    second = found["laws"][1]
    assert of_alpha["ours_low"] == second["ci_low"], "one interval of a law in a report"
    assert sigma["ours"] != found["laws"][0]["nu"]
