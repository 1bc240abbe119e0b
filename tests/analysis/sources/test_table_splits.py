"""Splits of the data in a table of runs: each seed counts once, with its mean over them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.comparisons.run_groups import compare_runs
from analysis.errors import MixedRows, UnknownName
from analysis.laws.group_laws import fit_groups
from analysis.sources.arms import every_pair
from analysis.sources.columns import Columns, averaged
from analysis.sources.table import Table

COLUMNS = Columns("kl", "width", "run", ("net",), "fold")
SAID = "3 splits of the data were averaged for each seed: they are not new seeds"
LEFT = "6 rows of splits that a seed lacks at one of its settings left out"


def table(seeds: int = 4, folds: int = 3) -> Table:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        [
            {"net": net, "width": width, "run": run, "fold": fold, "note": "x"}
            for net in "ab"
            for width in (1, 2, 4, 8)
            for run in range(seeds)
            for fold in range(folds)
        ]
    )
    kl = 3 / frame["width"] * np.exp(0.05 * rng.standard_normal(len(frame)))
    frame["kl"] = kl * (1 + 0.1 * (frame["net"] == "b")) * (1 + 0.02 * frame["run"])
    frame.index = pd.Index([f"row {number}" for number in range(1, len(frame) + 1)])
    return Table("runs.csv", frame)


def test_each_seed_has_its_mean_and_the_law_says_so() -> None:
    given = table()
    found = averaged(given, COLUMNS)
    assert (len(found.frame), found.count, found.notes) == (32, 96, (SAID,))
    means = given.frame.groupby(["width", "net", "run"])["kl"].mean()
    assert found.frame.set_index(["width", "net", "run"])["kl"].to_dict() == pytest.approx(
        means.to_dict()
    )
    first, second = fit_groups(found, COLUMNS)
    assert first.law is not None
    assert (first.law.n, first.law.n_seeds) == (16, 4)
    assert f"Note: {SAID}." in first.law.sentence()
    assert second.law is not None


def test_pairs_are_paired_by_seed_whatever_its_column_is_called() -> None:
    columns = Columns("kl", "width", "run", (), "fold")
    found = compare_runs(every_pair(averaged(table(), columns, ["net"]), "net", columns))
    assert [one.design for one in found] == ["paired, 4 seeds"] * 4


def test_a_split_that_a_seed_lacks_somewhere_is_left_out_everywhere() -> None:
    whole = table()
    lacks = (whole.frame["run"] == 1) & (whole.frame["fold"] == 2) & (whole.frame["width"] == 4)
    found = averaged(Table("runs.csv", whole.frame[~lacks]), COLUMNS)
    assert found.notes == (SAID, LEFT)
    kept = whole.frame[(whole.frame["run"] != 1) | (whole.frame["fold"] != 2)]
    wanted = kept[(kept["run"] == 1) & (kept["width"] == 1) & (kept["net"] == "a")]["kl"].mean()
    mine = found.frame[(found.frame["run"] == 1) & (found.frame["width"] == 1)]
    assert mine[mine["net"] == "a"]["kl"].item() == pytest.approx(wanted)


def test_what_cannot_be_averaged_is_refused() -> None:
    given = table()
    with pytest.raises(UnknownName, match="no seed column is named"):
        averaged(given, Columns("kl", "width", None, ("net",), "fold"))
    with pytest.raises(MixedRows, match="have the same width = 1 and fold = 0 and run = 0"):
        averaged(given, Columns("kl", "width", "run", (), "fold"))
    apart = given.frame.assign(fold=given.frame["fold"] + 10 * given.frame["width"])
    with pytest.raises(MixedRows, match="run = 0 has no split that it has"):
        averaged(Table("runs.csv", apart), COLUMNS)
    assert averaged(given, Columns("kl", "width", "run")) is given
