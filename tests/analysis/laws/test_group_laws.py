"""Laws of tables that are not ours: published ones and planted ones."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from analysis import published
from analysis.errors import AnalysisError
from analysis.figures.drawing.claims import interval
from analysis.laws.equal_exponents import equal_between
from analysis.laws.group_laws import fit_groups, in_one_family
from analysis.laws.hypotheses import against
from analysis.sources.columns import Columns, chosen
from analysis.sources.table import Table, read_table
from analysis.statistics.multiplicity import holm
from tests.analysis.foreign import as_csv, scaling_runs


def test_a_published_table_as_csv_has_its_numbers_and_is_one_curve(tmp_path: Path) -> None:
    text = resources.files("analysis.published").joinpath("s1_table1.csv").read_text()
    path = tmp_path / "s1_table1.csv"
    path.write_text(text.replace("sigma,kl", "sigma,test/kl"))
    (found,) = fit_groups(read_table(path), Columns("test/kl", "sigma"))
    assert found.law is not None
    ours, theirs = found.law.to_json(), published.law("s1_table1").to_json()
    differing = {key for key in theirs if ours[key] != theirs[key]}
    assert differing == {"bends", "curvature_p", "rival", "sentence"}
    assert ours["curvature_p"] is None
    assert interval(found.law).endswith(" of the points)")
    assert "In this published curve" in theirs["sentence"]
    assert "In this one curve" in ours["sentence"]
    assert "a shape is tested from three seeds on" in ours["sentence"]


def test_the_law_of_another_papers_scaling_runs() -> None:
    """Cerebras-GPT (Dey et al. 2023, arXiv:2304.03208), as its model card prints it: training
    FLOPs and cross entropy on the Pile's test set.
    """
    table = read_table(Path(__file__).parents[1] / "sources" / "cerebras_gpt.csv")
    (found,) = fit_groups(table, Columns("pile_test_loss", "flops"))
    assert found.law is not None
    logs = np.log(table.frame[["flops", "pile_test_loss"]].to_numpy(dtype=float))
    assert found.law.nu == pytest.approx(-np.polyfit(*logs.T, 1)[0])
    assert (
        "pile_test_loss goes as flops^−ν with ν = 0.0526 (95 % OLS t interval of the "
        "points of this curve: 0.0488 to 0.0564; p = 3.3e-7 for ν = 0) for flops from "
        "2.6e+18 to 2.3e+22, n = 7, R² = 0.996."
    ) in found.law.sentence()


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return read_table(as_csv(scaling_runs(), tmp_path / "runs.csv"))


def test_each_group_has_its_planted_exponent(table: Table) -> None:
    columns = Columns("val/loss", "width", "seed", ("depth",))
    found = {one.label: one.law for one in fit_groups(table, columns)}
    assert list(found) == ["depth = 2", "depth = 4"]
    exponents = [law.nu for law in found.values() if law]
    assert exponents == pytest.approx([0.5, 0.8], abs=0.01)
    second = found["depth = 4"]
    assert second is not None
    assert second.n_seeds == 5
    assert second.to_json()["where"] == {"depth": 4}
    assert "As given, val loss goes as width^−ν" in second.sentence()


def test_laws_and_tests_of_their_exponents_are_one_family(table: Table) -> None:
    """Two laws and what is asked of their ν: each p is corrected for all three or four tests."""
    columns = Columns("val/loss", "width", "seed", ("depth",))
    found = fit_groups(table, columns)
    laws = {one.label: one.law for one in found if one.law}
    pairs, values = equal_between(laws).pairs, [against(law, 0.5, "0.5") for law in laws.values()]
    for asked, size in ((pairs, 3), (values, 4)):
        placed, tests = in_one_family(found, asked)
        mine = [one.law.p_holm for one in placed if one.law] + [one.p_holm for one in tests]
        alone = [law.p for law in laws.values()] + [one.difference.p for one in asked]
        assert mine == pytest.approx(holm(np.array(alone)))
        families = [one.law.exponent.family for one in placed if one.law]
        assert families + [one.difference.family for one in tests] == [size] * size
        assert [one.law.bend_holm is not None for one in placed if one.law] == [True, True]
    (one,), (test,) = in_one_family(found[:1], values[:1])
    assert one.law is not None
    assert (one.law.p_holm, test.p_holm) == (None, None)


def test_no_name_of_a_column_has_a_meaning_of_ours(table: Table) -> None:
    """Rows with β ≠ 1 stay, and so do tiny values of a column called kl."""
    renamed = table.frame.rename(columns={"depth": "beta", "val/loss": "kl"}).assign(
        kl=table.frame["val/loss"] * 1e-6, status="failed"
    )
    ours = Table("runs.csv", renamed)
    (found,) = fit_groups(chosen(ours, {"beta": 4}), Columns("kl", "width", "seed"))
    assert found.law is not None
    assert found.law.n == 25
    assert found.law.nu == pytest.approx(0.8, abs=0.01)


def test_a_range_keeps_the_x_within_it(table: Table) -> None:
    columns = Columns("val/loss", "width", "seed", ("depth",))
    first, _ = fit_groups(table, columns, (32, 128))
    assert first.law is not None
    assert (first.law.x_min, first.law.x_max, first.law.n) == (32, 128, 15)


def test_two_rows_of_a_seed_are_told_apart_by_a_group(table: Table) -> None:
    with pytest.raises(AnalysisError, match="they differ in depth and val/loss: name such"):
        fit_groups(table, Columns("val/loss", "width", "seed"))


def test_a_group_with_two_x_says_so_beside_the_others(table: Table) -> None:
    short = table.frame[(table.frame["depth"] == 2) | (table.frame["width"] < 64)]
    columns = Columns("val/loss", "width", "seed", ("depth",))
    first, second = fit_groups(Table("runs.csv", short), columns)
    assert first.law is not None
    assert second.law is None
    assert second.to_json() == {
        "group": {"depth": 4},
        "refusal": "a law needs at least three values of width, and 10 rows have 2",
    }
    with pytest.raises(AnalysisError, match=r"no group of runs\.csv has a law"):
        fit_groups(Table("runs.csv", short[short["depth"] == 4]), columns)


def test_a_law_needs_an_x(table: Table) -> None:
    with pytest.raises(AnalysisError, match="a law needs a column x"):
        fit_groups(table, Columns("val/loss", seed="seed"))
    assert np.isfinite(table.frame["val/loss"]).all()
