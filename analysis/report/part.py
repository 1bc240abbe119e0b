"""The types of a report: parts, each with its sentences, headline numbers and blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

__all__ = ["Block", "Key", "Part", "Statement"]


@dataclass(frozen=True)
class Statement:
    """One sentence of the summary, supported by a test, or a warning to the reader.

    detail: whether a table of the page has it; then it stands in report.json and in MLflow alone.
    card: whether a card or an unfolded table has it, which a terminal does not show.
    """

    text: str
    warning: bool = False
    detail: bool = False
    card: bool = False


@dataclass(frozen=True)
class Key:
    """A number under the title of the page, with its name and a remark."""

    name: str
    value: str
    remark: str


@dataclass(frozen=True)
class Block:
    """A figure, a table or a gallery in a section of the page.

    template: the file in templates/ that shows it; it is given this block as ``block``.
    content: what the template shows, as plain text and numbers.
    name: of the CSV file that holds `table`, and of the figure's anchor.
    order: among the blocks of its section, the smallest first.
    folded: whether its title has to be clicked before it is shown.
    half: whether it may stand beside another such block on a wide screen.
    """

    section: str
    template: str
    title: str = ""
    content: Any = None
    name: str = ""
    table: pd.DataFrame | None = None
    order: int = 100
    folded: bool = False
    half: bool = False


@dataclass(frozen=True)
class Part:
    """The content of the report on one subject; `order` is its place among the others.

    answer: one sentence with its caveat; the page begins with that of the first part that has one.
    numbers: its entries in report.json, by key.
    """

    order: int
    statements: Sequence[Statement] = ()
    keys: Sequence[Key] = ()
    blocks: Sequence[Block] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""
