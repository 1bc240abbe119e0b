"""`fit`, `compare` and `equivalence` on runs that sweeper did not train."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis import published
from analysis.statistics.multiplicity import holm
from sweeper.cli import USER, main
from tests.analysis.foreign import as_csv, scaling_runs, two_optimizers

FIT = ("--x", "width", "--y", "val/loss", "--seed", "seed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables, and an MLflow store to which a plain script logged the runs of the first."""
    pytest.importorskip("mlflow", reason="pip install mlflow")
    path = tmp_path_factory.mktemp("foreign")
    runs = scaling_runs()
    as_csv(runs, path / "runs.csv")
    as_csv(two_optimizers(), path / "optimizers.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own, within its store
        log_plainly(runs, f"sqlite:///{path}/mlflow.db")
    return path


def log_plainly(runs: pd.DataFrame, uri: str) -> None:
    """As a script does: parameters and a metric over steps, below a parent run without either."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    key = client.create_experiment("plain")
    parent = client.create_run(key)
    for row in runs.to_dict("records"):
        run = client.create_run(key, tags={"mlflow.parentRunId": parent.info.run_id}).info.run_id
        for name in ("width", "depth", "seed"):
            client.log_param(run, name, int(row[name]))
        client.log_param(run, "optimizer", "adam")
        for step, factor in enumerate((4.0, 1.0)):
            client.log_metric(run, "val/loss", factor * row["val/loss"], step=step)
        client.set_terminated(run)
    client.set_terminated(parent.info.run_id)
    client.create_run(key)  # is still running
    client.create_experiment("empty")


@pytest.fixture(autouse=True)
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main([*arguments]) == USER
    said = capsys.readouterr()
    assert said.out == ""
    (sentence,) = said.err.splitlines()
    return sentence


def test_an_experiment_logged_by_a_plain_script_has_the_laws_of_its_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = ("--experiment", "plain", "--tracking", "sqlite:///mlflow.db")
    logged = answer(capsys, "fit", *store, *FIT, "--group", "depth")
    table = answer(capsys, "fit", "--table", "runs.csv", *FIT, "--group", "depth")
    notes = [
        "1 run that did not finish left out",
        "1 run without width, depth, val/loss and seed left out",
    ]
    assert logged["equal"] == table["equal"]
    assert table["equal"][0]["hypothesis"] == "Equal ν for depth = 2 and depth = 4"
    assert table["equal"][0]["difference"]["p"] < 0.001
    for mine, theirs in zip(logged["groups"], table["groups"], strict=True):
        assert mine.pop("notes") == notes
        assert mine.pop("sentence").startswith(theirs.pop("sentence"))
        assert theirs.pop("notes") == []
        assert mine == theirs
    assert [one["group"] for one in logged["groups"]] == [{"depth": 2}, {"depth": 4}]


def test_a_law_of_a_table_has_the_fields_and_words_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours = answer(capsys, "fit", "--published", "s1_table1")
    law = answer(capsys, "fit", "--table", "runs.csv", *FIT, "--where", "depth=2")
    assert law.keys() == ours.keys()
    assert law["nu"] == pytest.approx(0.5, abs=0.01)
    assert law["where"] == {"depth": 2}
    assert law["post_hoc"] == "a table declares no law; the rows were chosen after the run"
    assert main(["fit", "--table", "runs.csv", *FIT, "--group", "depth"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "depth = 4 law val/loss ~ width^-ν, width = 16 … 256" in out
    assert "As given, val loss goes as width^−ν with ν =" in out
    assert out.count("; post hoc: a table declares no law.") == 2 + 1, "two laws and their test"
    assert "Equal ν for depth = 2 and depth = 4 (" in out
    assert "is rejected: difference" in out


def test_two_groups_are_compared_at_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(
        capsys,
        *("compare", "--table", "runs.csv", "--first", "depth=2", "--second", "depth=4"),
        *("--metric", "val/loss", "--x", "width", "--seed", "seed"),
    )["comparisons"]
    assert [one["setting"] for one in found] == [{"width": w} for w in (16, 32, 64, 128, 256)]
    assert {one["verdict"] for one in found} == {"differ"}
    assert found[0]["sentence"].startswith(
        "val loss at width = 16: depth = 2 and depth = 4 differ: difference 0.4"
    )


def test_what_decides_is_said_where_p_and_interval_seem_to_disagree(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The largest of three p is below 5 %, and its interval, one of three at once, holds zero."""
    off = (-1.2, 1.2, -0.9, 0.9, 0.4, -0.4)
    planted = {"a": (0.0, 0.0), "b": (1.25, 1.0), "c": (20.0, 0.5)}
    rows = [
        {"net": net, "seed": seed, "loss": 30 + shift + spread * one}
        for net, (shift, spread) in planted.items()
        for seed, one in enumerate(off)
    ]
    table = str(as_csv(pd.DataFrame(rows), tmp_path / "nets.csv"))
    every = ("compare", "--table", table, "--y", "loss", "--seed", "seed", "--by", "net")
    found = answer(capsys, *every)
    assert found["comparisons"][0]["verdict"] == "differ"
    assert found["comparisons"][0]["difference"]["high"] > 0
    assert main([*every]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert found["note"].startswith("The p decides: Holm's method may reject")
    assert found["note"] in out
    assert "corrected for 3 tests" in out
    one = [*every[:-2], "--first", "net=a", "--second", "net=b"]
    assert "note" not in answer(capsys, *one)
    assert main(one) == 0
    assert "chosen after the run.\n" in capsys.readouterr().out, "one test is not corrected"


def test_every_pair_of_a_column_is_compared(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(
        capsys,
        *("compare", "--table", "optimizers.csv", "--by", "optimizer"),
        *("--metric", "loss", "--seed", "seed"),
    )
    assert found["experiment"] == "optimizers.csv"
    assert (found["tests"], found["post_hoc"][-13:]) == (3, "after the run")
    assert [one["verdict"] for one in found["comparisons"]] == [
        "not shown to differ",
        "differ",
        "differ",
    ]


@pytest.mark.parametrize(
    ("more", "said"), [([], "log loss differs by"), (["--difference"], ": loss differs by")]
)
def test_equivalence_says_whether_its_margin_is_a_ratio_or_a_difference(
    capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    found = answer(
        capsys,
        *("equivalence", "--table", "optimizers.csv", "--by", "optimizer"),
        *("--y", "loss", "--seed", "seed", "--margin", "0.1", *more),
    )
    assert [one["verdict"] for one in found["verdicts"]] == [
        "within the margin as measured",
        "different",
        "different",
    ]
    assert "equivalent" not in found["verdicts"][0]["sentence"]
    assert said in found["verdicts"][0]["sentence"]
    assert found["refusals"] == []


def test_a_report_on_a_table_lies_beside_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, "report", "--table", "runs.csv", *FIT, "--group", "depth")
    assert found["report"] == str(folder / "runs-report" / "index.html")
    assert found["trials"] == 50
    assert found["summary"][0] == "50 runs of runs.csv, in groups by depth."
    assert found["summary"][1].startswith(
        "7 tests are one family (Holm): 2 laws and 5 comparisons"
    )
    assert "Val loss goes as width^−ν with ν = 0.499" in found["summary"][2]
    assert any("As given, val loss goes as width^−ν" in text for text in found["summary"])


@pytest.fixture
def split(folder: Path) -> tuple[str, ...]:
    """The first table with three folds of the data for each seed, numbered `run` and `fold`."""
    runs = scaling_runs().rename(columns={"seed": "run"})
    folds = [
        runs.assign(fold=k, **{"val/loss": runs["val/loss"] * (1 + k / 50)}) for k in range(3)
    ]
    path = as_csv(pd.concat(folds), folder / "folds.csv")
    return ("--table", path.name, "--y", "val/loss", "--seed", "run", "--split", "fold")


def test_what_the_split_adds_to_the_variance_of_nu_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Splits whose ν are 0.1 apart: the sd of their mean is 0.1 / √3."""
    runs = scaling_runs().query("depth == 2")
    folds = [
        runs.assign(fold=k, **{"val/loss": runs["val/loss"] * runs["width"] ** (0.1 * k)})
        for k in range(3)
    ]
    path = as_csv(pd.concat(folds), tmp_path / "folds.csv")
    ask = ("fit", "--table", str(path), *FIT, "--split", "fold")
    (part,) = answer(capsys, *ask)["variance"]
    assert part["sd"] == pytest.approx(0.1 / math.sqrt(3), rel=0.01)
    assert part["of"] == "3 splits of 5 seeds each"
    narrow = answer(capsys, *ask, "--range", "16", "64")["variance"][0]
    assert narrow["sd"] == pytest.approx(0.1 / math.sqrt(3), rel=0.01)
    assert main([*ask]) == 0
    assert "sd of ν, split 0.058 (3 splits of 5 seeds each)" in " ".join(
        capsys.readouterr().out.split()
    )
    once = answer(capsys, "fit", "--table", "runs.csv", *FIT, "--where", "depth=2")
    assert "variance" not in once


SPLITS = "3 splits of the data were averaged for each seed: they are not new seeds"


def test_splits_of_the_data_are_averaged_for_each_seed_and_said_to_be(
    split: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    width, depth = ("--x", "width"), ("--group", "depth")
    laws = answer(capsys, "fit", *split, *width, *depth)["groups"]
    assert [(one["n"], one["n_seeds"], one["notes"]) for one in laws] == [(25, 5, [SPLITS])] * 2
    once = answer(capsys, "fit", "--table", "runs.csv", *FIT, *depth)["groups"]
    assert [one["nu"] for one in laws] == pytest.approx([one["nu"] for one in once])
    parts = [one["variance"][0] for one in laws]
    assert [part["name"] for part in parts] == ["split"] * 2
    assert [part["sd"] for part in parts] == pytest.approx([0.0] * 2, abs=1e-12)
    pairs = ("--by", "depth", *width)
    compared = answer(capsys, "compare", *split, *pairs)
    assert {one["design"] for one in compared["comparisons"]} == {"paired, 5 seeds"}
    assert compared["notes"] == [SPLITS]
    tested = answer(capsys, "equivalence", *split, *pairs, "--margin", "0.1")
    assert tested["notes"] == [SPLITS]
    report = answer(capsys, "report", *split, *width, *depth)
    assert report["trials"] == 150
    assert report["summary"][:2] == ["150 runs of folds.csv, in groups by depth.", f"{SPLITS}."]
    assert sum(SPLITS in text for text in report["summary"]) == 1
    for command in ("compare", "equivalence"):
        assert main([command, *split, *pairs, *["--margin", "1"] * (command != "compare")]) == 0
        assert f"Note: {SPLITS}." in " ".join(capsys.readouterr().out.split())
    without = refused(capsys, "fit", *split[:-2], *width, *depth)
    assert "as the split of the data that is averaged for each seed" in without


def test_each_group_is_tested_against_a_value_as_one_family(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fit = ("fit", "--table", "runs.csv", *FIT)
    both = answer(capsys, *fit, "--group", "depth", "--against", "0.5")
    assert "equal" not in both
    first, second = (one["against"] for one in both["groups"])
    assert first["hypothesis"] == "ν = 0.5"
    p = [one["p"] for one in both["groups"]]
    p += [one["difference"]["p"] for one in (first, second)]
    corrected = [one["p_holm"] for one in (*both["groups"], first, second)]
    assert corrected == pytest.approx(holm(np.array(p)))
    assert "is rejected: difference 0.3" in second["sentence"]
    assert second["sentence"].endswith(
        "; as given, training length unknown; post hoc: a table declares no law; the value was "
        "given after the run."
    )
    one = answer(capsys, *fit, "--where", "depth=2", "--against", "0.5")["against"]
    assert one["p_holm"] is None, "one test is not corrected"
    assert main([*fit, "--where", "depth=2", "--against", "0.5"]) == 0
    assert "ν = 0.5 (0.49" in " ".join(capsys.readouterr().out.split())


def test_a_published_table_named_for_other_runs_is_of_their_quantity_and_post_hoc(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "renamed.csv"
    runs = scaling_runs().query("depth == 2")
    as_csv(runs.rename(columns={"width": "sigma", "val/loss": "kl"}), path)
    fit = ("fit", "--table", str(path), "--x", "sigma", "--y", "kl", "--seed", "seed")
    one = answer(capsys, *fit, "--against", "s1_table1")["against"]
    assert (
        one["hypothesis"]
        == "ν = that of s1_table1, one curve, taken to scatter between seeds as this law does"
    )
    assert one["value"] == pytest.approx(1.151, abs=0.001)
    assert one["post_hoc"] == "a table declares no law; the table was chosen after the run"
    said = refused(capsys, *fit, "--against", "s1_table2")
    assert "s1_table2 is of another quantity, reconstruction error of the σ-VAE" in said
    assert "of kl against sigma there is s1_table1" in said


def test_part_of_a_published_curve_is_tested_against_that_part(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, rng = tmp_path / "part.csv", np.random.default_rng(4)
    curve = published.table("s1_table1").query("sigma < 0.45")
    runs = pd.concat([curve.assign(seed=seed) for seed in range(5)])
    as_csv(runs.assign(kl=runs["kl"] * np.exp(0.02 * rng.standard_normal(len(runs)))), path)
    fit = ("fit", "--table", str(path), "--x", "sigma", "--y", "kl", "--seed", "seed")
    one = answer(capsys, *fit, "--against", "s1_table1")["against"]
    assert "ν = that of s1_table1 over the 4 values of σ that both have, one" in one["hypothesis"]
    assert one["value"] == pytest.approx(0.983, abs=0.001)
    assert "is not rejected" in one["sentence"]


def test_laws_of_groups_are_one_family_and_so_is_each_check_of_their_shape(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fit = ("fit", "--table", "runs.csv", *FIT)
    told = answer(capsys, *fit, "--group", "depth")
    both, (pair,) = told["groups"], told["equal"]
    alone = [answer(capsys, *fit, "--where", f"depth={depth}") for depth in (2, 4)]
    corrected = holm(np.array([*(one["p"] for one in alone), pair["difference"]["p"]]))
    assert [one["p_holm"] for one in (*both, pair)] == pytest.approx(corrected)
    bends = holm(np.array([one["curvature_p"] for one in alone]))
    assert [one["curvature_p_holm"] for one in both] == pytest.approx(bends)
    assert {one[f"{key}_holm"] for one in alone for key in ("p", "curvature_p")} == {None}
    assert all("simultaneous for 3 tests" in one["sentence"] for one in both)
    assert all("quadratic coefficient" in one["sentence"] for one in both)


EQUIVALENCE = ("equivalence", "--table", "optimizers.csv", "--by", "optimizer", "--y", "loss")
BY_DEPTH = ("--by", "depth", "--y", "val/loss", "--seed", "seed")
BY_WIDTH = ("--by", "width", "--y", "val/loss", "--seed", "seed")
STORE = ("--tracking", "sqlite:///mlflow.db", "--y", "val/loss")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("fit",),
            "name one source of runs: EXPERIMENT, --table, --experiment, --published; none",
        ),
        (("fit", "demo", "--table", "runs.csv", *FIT), "several are named"),
        (("fit", "--table", "runs.csv", "--x", "width"), "name the column of the metric with --y"),
        (("fit", "--table", "runs.csv", "--y", "val/loss"), "a law needs a column x"),
        (("fit", "demo", "--seed", "seed"), "--seed is about the columns of --table"),
        (("compare", "demo", "--where", "depth=2"), "--where is about the columns of --table"),
        (("equivalence", "demo", "--difference"), "--difference is about the columns of --table"),
        (("fit", "--experiment", "plain", *FIT), "name it by --tracking"),
        (("fit", "demo", "--split", "fold"), "--split is about the columns of --table"),
        (
            ("fit", "--table", "runs.csv", *FIT, "--where", "depth=2", "--against", "linear"),
            "--against takes a number, the name of a published table, or published, not 'linear'",
        ),
        (
            ("fit", "--table", "runs.csv", *FIT, "--where", "depth=2", "--against", "published"),
            "no published table has val/loss against width; there are s1_table1",
        ),
        (
            ("fit", "--table", "runs.csv", *FIT, "--where", "depth=2", "--against", "s1_table1"),
            "s1_table1 is of another quantity, KL of the σ-VAE on MNIST: no published table has "
            "val/loss against width; there are s1_table1 (test/kl against sigma), s1_table2",
        ),
        (("fit", "--table", "runs.csv", *FIT, "--model", "m"), "--model is about sweeper's own"),
        (("report", "--table", "runs.csv", *FIT, "--watch"), "--watch is about sweeper's own"),
        (
            ("compare", "--table", "runs.csv", *BY_WIDTH, "--where", "width=16"),
            "width has 1 value",
        ),
        ((*EQUIVALENCE, "--seed", "seed"), "declare the margin with --margin"),
        ((*EQUIVALENCE[:3], "--y", "loss", "--margin", "1"), "name two groups with --first"),
        ((*EQUIVALENCE, "--margin", "1"), "no seed column is named"),
        (
            (*EQUIVALENCE, "--margin", "0", "--seed", "seed"),
            "margin must be a finite number above",
        ),
        (
            (*EQUIVALENCE, "--margin", "1", "--seed", "seed", "--where", "seed=[0,100,200,201]"),
            " have 1 and 2 seeds; a test needs two seeds in each group",
        ),
        (
            ("compare", "--table", "runs.csv", *BY_DEPTH, "--x", "width", "--where", "seed=[0]"),
            "have at no value of width two seeds each, but at most 1 and 1 seed; a test needs",
        ),
        (("fit", "--experiment", "plane", *STORE, "--x", "width"), "no experiment 'plane' in"),
        (("fit", "--experiment", "empty", *STORE, "--x", "width"), "has no finished run (0 runs"),
        (
            ("fit", "--experiment", "plain", *STORE[:2], "--x", "width", "--y", "val/los"),
            "experiment 'plain' has no column 'val/los'; did you mean 'val/loss'?",
        ),
        (
            ("fit", "--experiment", "plain", *STORE, "--x", "optimizer"),
            "optimizer is 'adam' in run ",
        ),
    ],
)
def test_what_cannot_be_asked_gets_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, *arguments)
