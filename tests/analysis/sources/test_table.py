"""Tables of other programs: what is read, and what is said of a table that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.laws.group_laws import fit_groups
from analysis.sources.columns import Columns, chosen
from analysis.sources.table import read_table
from tests.analysis.foreign import as_csv, scaling_runs

LAW = Columns("loss", "x", "seed")
GOOD = "x,seed,loss\n1,0,4\n2,0,2\n4,0,1\n"


def written(folder: Path, text: str | bytes, name: str = "runs.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_numbers_are_numbers_and_text_stays_text(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "\ufeffx;name;loss\n1;64;0,5\n2;auto;\n\n"))
    assert list(table.frame.index) == ["row 1", "row 2"]
    assert table.frame["x"].tolist() == [1, 2]
    assert table.frame["name"].tolist() == ["64", "auto"]
    assert table.frame["loss"].tolist() == ["0,5", ""]
    assert len(table.facts["SHA-256"]) == 64


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    frame = scaling_runs().assign(name="run", quick=True)
    frame.to_parquet(tmp_path / "runs.parquet")
    parquet = read_table(tmp_path / "runs.parquet").frame
    text = read_table(as_csv(frame, tmp_path / "runs.csv")).frame
    pd.testing.assert_frame_equal(parquet, text, check_dtype=False, rtol=1e-14)


def test_rows_are_chosen_by_numbers_texts_and_truths(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, "x,kind,fast\n1,a,True\n2,64,false\n3,64,true\n"))
    assert chosen(table, {"kind": 64}).frame["x"].tolist() == [2, 3]
    assert chosen(table, {"kind": ["a", 64], "fast": True}).frame["x"].tolist() == [1, 3]


def test_a_column_is_of_numbers_once_the_rows_with_text_are_left_out(tmp_path: Path) -> None:
    rows = GOOD.replace("seed", "kind,seed").replace(",0,", ",a,0,") + "8,b,0,crashed\n"
    table = chosen(read_table(written(tmp_path, rows)), {"kind": "a"})
    (found,) = fit_groups(table, LAW)
    assert found.law is not None
    assert found.law.nu == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("x,seed,loss\n", "has a header and no rows"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "is not a CSV: it is not text in UTF-8"),
        (GOOD + "8,0\n", "row 4 has 2 cells and the header 3"),
        ('x,seed,loss\n1,0,"4\n', "is not a CSV: unexpected end of data"),
        (GOOD.replace("seed", "x"), "several columns named 'x'"),
        (GOOD.replace("loss", "los"), "has no column 'loss'; did you mean 'los'?"),
        (GOOD.replace("loss", "metric"), "columns: x, seed and metric"),
        (GOOD + "8,0,n/a\n", "loss is 'n/a' in row 4, where a number is needed"),
        (GOOD.replace("4,0", "four,0"), "x is 'four' in row 3, where a number is needed"),
        (GOOD.replace("2,0,2", "2,one,2"), "seed is 'one' in row 2"),
        (GOOD + "8,0,\n9,0,nan\n", "loss is missing or NaN in row 4 and 1 more"),
        (GOOD + "8,0,inf\n", "loss is infinite in row 4"),
        (GOOD + "8,0,0\n", "loss is 0 in row 4; a power law needs positive values"),
        (GOOD + "-8,0,1\n", "x is -8 in row 4; a power law needs positive values"),
        (GOOD + "4,0,1\n", "row 3 and row 4 have the same x = 4 and seed = 0; they are copies"),
        (GOOD + "4,0,2\n", "they differ in loss: name such a column as a group"),
        ("x,seed,loss\n1,0,4\n2,0,2\n", "three values of x, and 2 rows have 2"),
    ],
)
def test_a_table_that_cannot_be_used_gets_one_sentence(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(AnalysisError) as error:
        fit_groups(read_table(written(tmp_path, text)), LAW)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_repeated_x_needs_a_seed_column(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, GOOD + "4,1,1\n"))
    with pytest.raises(AnalysisError, match="same x = 4, and no seed column is named"):
        fit_groups(table, Columns("loss", "x"))


def test_one_column_has_one_role(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, GOOD))
    with pytest.raises(AnalysisError, match="'x' is named for two roles"):
        fit_groups(table, Columns("loss", "x", "x"))


def test_a_value_that_no_row_has_is_named(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, GOOD))
    with pytest.raises(AnalysisError, match=r"no row of runs.csv has x=3 \(x is 1, 2 and 4\)"):
        chosen(table, {"x": 3})


@pytest.mark.parametrize("name", ["runs.parquet", "RUNS.PQ"])
def test_a_parquet_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(AnalysisError, match="is not a parquet file"):
        read_table(written(tmp_path, GOOD, name))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="No such file or directory"):
        read_table(tmp_path / "runs.csv")
