"""A table of runs that other programs logged, read from a CSV or parquet file: one row a run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.errors import LoadError
from analysis.wording import listed

__all__ = ["Table", "read_table", "typed"]

DELIMITERS = ",;\t"
PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, eq=False)
class Table:
    """Runs of any kind, with the columns that their owner gave them.

    name: of the file or of the experiment, for messages.
    frame: a column is of numbers if all its values are, otherwise of text with "" where a value
        is missing; the index says how a message calls a row ("row 3", counted below the header).
    facts: where the runs come from, for a report's provenance.
    notes: which runs were left out on reading, and why. where: what was chosen of the rest.
    runs: how many the rows are means of; None if each row is one run.
    """

    name: str
    frame: pd.DataFrame
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    where: Mapping[str, object] = field(default_factory=dict)
    runs: int | None = None

    @property
    def count(self) -> int:
        """How many runs it is about."""
        return len(self.frame) if self.runs is None else self.runs


def read_table(path: Path) -> Table:
    """The runs of a file: parquet by its ending, otherwise CSV with comma, semicolon or tab.

    Errors: LoadError for a file that is not there, is empty, or is not what its ending says.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LoadError(
            f"the table {path} cannot be read: {error.strerror or error}; name a CSV or parquet "
            "file"
        ) from error
    if not content.strip():
        raise LoadError(f"{path} is empty; a table has a header and one row a run")
    parquet = path.suffix.lower() in PARQUET
    frame = _parquet(path, content) if parquet else _csv(path, content)
    if frame.empty:
        raise LoadError(f"{path} has a header and no rows; a table has one row a run")
    frame.index = pd.Index([f"row {number}" for number in range(1, len(frame) + 1)])
    facts = {
        "file": path.name,
        "SHA-256": sha256(content).hexdigest(),
        "rows": str(len(frame)),
        "columns": ", ".join(map(str, frame.columns)),
    }
    return Table(path.name, frame, facts)


def _csv(path: Path, content: bytes) -> pd.DataFrame:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LoadError(f"{path} is not a CSV: it is not text in UTF-8") from error
    first = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        rows = [
            row for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True) if row
        ]
    except csv.Error as error:
        raise LoadError(f"{path} is not a CSV: {error}") from error
    header, *body = ([cell.strip() for cell in row] for row in rows)
    _require_names(path, header)
    for number, row in enumerate(body, 1):
        if len(row) != len(header):
            raise LoadError(
                f"{path} is not a CSV table: row {number} has {len(row)} cells and the header "
                f"{len(header)}"
            )
    return pd.DataFrame(
        {name: typed(cells) for name, cells in zip(header, _turned(body, header), strict=True)}
    )


def _turned(body: Sequence[Sequence[str]], header: Sequence[str]) -> Iterable[Sequence[str]]:
    """The cells of each column."""
    return zip(*body, strict=True) if body else [()] * len(header)


def _require_names(path: Path, header: Sequence[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise LoadError(
            f"{path} has several columns named {listed(map(repr, twice))}; each needs its own name"
        )


def _parquet(path: Path, content: bytes) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError, pa.ArrowException) as error:
        first = str(error).strip().partition("\n")[0]
        raise LoadError(f"{path} is not a parquet file: {first}") from error
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    frame.columns = pd.Index([str(name) for name in frame.columns])
    _require_names(path, list(frame.columns))
    return pd.DataFrame({name: _column(frame[name]) for name in frame.columns})


def _column(column: pd.Series[Any]) -> pd.Series[Any]:
    kind = pd.api.types
    if kind.is_numeric_dtype(column) and not kind.is_bool_dtype(column):
        return pd.Series(column.to_numpy(dtype=None if column.notna().all() else np.float64))
    return typed(
        ["" if missing else str(one) for one, missing in zip(column, column.isna(), strict=True)]
    )


def typed(cells: Iterable[str]) -> pd.Series[Any]:
    """Cells as numbers if each is one, NaN or empty (then NaN); otherwise as text."""
    texts = pd.Series(list(cells), dtype=object)
    numbers = pd.to_numeric(texts.where(texts != "", None), errors="coerce")
    known = texts[numbers.isna()].str.lower()
    if not known.isin(["", "nan"]).all():
        return texts
    if not pd.api.types.is_float_dtype(numbers):
        return numbers
    return pd.Series([float(text or "nan") for text in texts])  # pandas 2 errs in the last digit
