"""What a report is made of: parts, each with its sentences, headline numbers and blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

__all__ = ["Block", "Key", "Part", "Statement"]


@dataclass(frozen=True)
class Statement:
    """One sentence of the summary, which a test allows; a warning asks for the reader's care."""

    text: str
    warning: bool = False


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
    """

    section: str
    template: str
    title: str = ""
    content: Any = None
    name: str = ""
    table: pd.DataFrame | None = None
    order: int = 100


@dataclass(frozen=True)
class Part:
    """All that the report says of one subject; `order` is its place in the summary.

    numbers: what report.json holds of it, by key.
    """

    order: int
    statements: Sequence[Statement] = ()
    keys: Sequence[Key] = ()
    blocks: Sequence[Block] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)
