"""The report of runs that are not ours: what applies is there, and nothing of our own models."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.equivalence import Examined
from analysis.equivalence.seeds import compare_seeds
from analysis.errors import AnalysisError
from analysis.report.parts.equivalences import Equivalences
from analysis.report.table_report import TableQuestion, write_table
from analysis.sources.columns import Columns
from analysis.sources.table import read_table
from tests.analysis.foreign import as_csv, scaling_runs, two_optimizers

OURS = ("VAE", "σ", "KL", "ELBO", "posterior", "data units", "alias", "grid", "noise", "β")


def page_text(page: Path) -> str:
    """What a reader sees: without scripts, styles and tags."""
    text = re.sub(r"<(script|style).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def numbers(page: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.with_name("report.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def scaled(tmp_path: Path) -> Path:
    table = read_table(as_csv(scaling_runs(seeds=10), tmp_path / "runs.csv"))
    columns = Columns("val/loss", "width", "seed", ("depth",))
    return write_table(table, TableQuestion(columns, margin=0.1), tmp_path / "report")


def test_it_has_the_laws_comparisons_tests_and_ranking(scaled: Path) -> None:
    found = numbers(scaled)
    assert [law["family"] for law in found["laws"]] == ["depth = 2", "depth = 4"]
    assert [law["nu"] for law in found["laws"]] == pytest.approx([0.5, 0.8], abs=0.01)
    assert [one["verdict"] for one in found["equivalence"]["verdicts"]] == ["different"] * 5
    assert {one["groups"][0] for one in found["compared"]} == {"depth = 2"}
    assert found["results"][0]["setting"] == "width = 256, depth = 4"
    assert found["summary"][0] == "100 runs of runs.csv, in groups by depth."
    said = page_text(scaled)
    assert "val loss against width" in said
    assert "Post hoc: a table declares no law." in found["summary"]
    assert "margin of log ratios, 0.1, was chosen after the run" in said
    assert found["family"]["of"] == {"law": 2, "comparison": 5}, "no table declares a margin"
    assert {one["difference"]["family"] for one in found["compared"]} == {7}
    assert "chosen after the run: 5 equivalence tests, corrected among themselves (Holm)" in said
    assert "these comparisons were chosen after the run, for a table declares none." in said
    assert found["compared_post_hoc"] == "these comparisons were chosen after the run"
    names = {path.name for path in scaled.parent.glob("*.csv")}
    assert names >= {"law.csv", "laws.csv", "compared.csv", "results.csv", "runs.csv"}


def test_pairs_of_runs_of_unknown_training_are_said_to_be_so() -> None:
    seeds = [range(8), range(8, 16)]
    arms = [
        pd.DataFrame({"loss": [1 + 0.001 * (s % 8) + s / 1e6 for s in one]}, one) for one in seeds
    ]
    one = compare_seeds(("a", "b"), arms, 0.1)
    verdicts = [replace(one, labels=(f"a{pair}", f"b{pair}")) for pair in range(5)]
    (said,) = Equivalences(Examined({"seeds": verdicts})).statements
    assert said.text == (
        "Equivalence, disjoint seeds (TOST): all 5 pairs agree within the margin at the "
        "measured point; whether training had converged is unknown."
    )


def test_it_says_which_file_it_is_about(scaled: Path) -> None:
    digest = sha256((scaled.parents[1] / "runs.csv").read_bytes()).hexdigest()
    assert numbers(scaled)["provenance"]["SHA-256"] == digest
    assert digest in page_text(scaled)
    assert numbers(scaled)["provenance"]["file"] == "runs.csv"


def test_it_says_nothing_of_our_own_models(scaled: Path) -> None:
    said = page_text(scaled)
    assert [word for word in OURS if word in said] == []


def test_without_an_x_there_are_comparisons_and_no_law(tmp_path: Path) -> None:
    table = read_table(as_csv(two_optimizers(), tmp_path / "runs.csv"))
    columns = Columns("loss", seed="seed", group=("optimizer",))
    question = TableQuestion(columns, margin=0.1, logs=False)
    page = write_table(table, question, tmp_path / "report")
    found = numbers(page)
    assert "laws" not in found
    assert [one["verdict"] for one in found["equivalence"]["verdicts"]] == [
        "within the margin as measured",
        "different",
        "different",
    ]
    assert "margin of differences, 0.1" in page_text(page)
    assert [row["setting"] for row in found["results"]][2] == "optimizer = c"
    assert "t interval that is simultaneous for all 3 settings (Bonferroni), which takes" in (
        page_text(page)
    )


def test_a_column_called_model_says_nothing_of_noise(tmp_path: Path) -> None:
    runs = two_optimizers().rename(columns={"optimizer": "model"})
    table = read_table(as_csv(runs, tmp_path / "runs.csv"))
    columns = Columns("loss", seed="seed", group=("model",))
    page = write_table(table, TableQuestion(columns), tmp_path / "report")
    assert "Loss: 3 comparisons between models; 2 of them differ" in page_text(page)
    assert "at equal noise" not in page_text(page)


def test_a_table_without_seeds_has_laws_and_no_comparison(tmp_path: Path) -> None:
    table = read_table(as_csv(scaling_runs(seeds=1), tmp_path / "runs.csv"))
    columns = Columns("val/loss", "width", group=("depth",))
    page = write_table(table, TableQuestion(columns), tmp_path / "report")
    found = numbers(page)
    assert len(found["laws"]) == 2
    assert "compared" not in found
    assert "chosen after the run" not in page_text(page)


def test_groups_with_one_seed_say_why_they_are_not_compared(tmp_path: Path) -> None:
    table = read_table(as_csv(scaling_runs(seeds=1), tmp_path / "runs.csv"))
    columns = Columns("val/loss", "width", "seed", ("depth",))
    page = write_table(table, TableQuestion(columns, margin=0.1), tmp_path / "report")
    said = page_text(page)
    assert (
        "Values of depth are not compared: the groups (depth = 2) and (depth = 4) have at" in said
    )
    assert "have at no value of width two seeds each, but at most 1 and 1 seed; a test" in said


def test_a_table_that_cannot_be_used_is_no_report(tmp_path: Path) -> None:
    table = read_table(as_csv(scaling_runs(), tmp_path / "runs.csv"))
    with pytest.raises(AnalysisError, match="have the same width = 16 and seed = 0"):
        write_table(
            table, TableQuestion(Columns("val/loss", "width", "seed")), tmp_path / "report"
        )
    assert not (tmp_path / "report").exists()
