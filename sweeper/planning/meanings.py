"""What each field of a component means, as its docstring says."""

from __future__ import annotations

import inspect
import re

__all__ = ["meanings"]

HEAD = "Parameters\n----------\n"
NAMES = re.compile(r"(?:^|(?<=[.;] ))(\w+(?:, \w+)*) : ")


def meanings(component: type) -> dict[str, str]:
    """Name and meaning of each field, its own and inherited ones."""
    found: dict[str, str] = {}
    for one in reversed(component.__mro__):
        found |= _own(inspect.cleandoc(one.__doc__ or ""))
    return found


def _own(docstring: str) -> dict[str, str]:
    """Of the paragraph ``Parameters``, where a field is ``name : meaning`` at the beginning or
    after a sentence; fields that share a meaning are separated by commas.
    """
    paragraph = docstring.partition(HEAD)[2].partition("\n\n")[0]
    _, *parts = NAMES.split(" ".join(paragraph.split()))
    return {
        name: meaning.strip().replace("``", "`")
        for names, meaning in zip(parts[::2], parts[1::2], strict=True)
        for name in names.split(", ")
    }
