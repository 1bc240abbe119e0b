"""The report's templates, with the filters and functions that they use.

Jinja2 escapes every value that a template shows. A value that is not escaped has the type
`Markup`; only `page` and the filter ``json`` make such values, from files of this folder and from
JSON whose ``<`` are escaped.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from analysis import wording
from analysis.report.csv_text import csv_uri
from analysis.report.json_text import embedded_json

__all__ = ["environment", "pieces", "read"]

_MARKED = re.compile(r"\^(?P<sup>−?\w+)|`(?P<code>[^`]+)`")


@cache
def environment() -> Environment:
    """Jinja's environment: templates can call each function of `analysis.wording`.

    An undefined name in a template is an error.
    """
    found = Environment(
        loader=PackageLoader("analysis.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = {name: getattr(wording, name) for name in wording.__all__}
    found.globals.update(words, infinity=math.inf)
    found.filters.update(csv=csv_uri, json=_embedded, pieces=pieces, base64=_base64, **words)
    return found


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """Plain text as pairs of element (``sup``, ``code`` or none) and content.

    ``x^−ν`` has a superscript and `` `name` `` is code; a minus before a digit is a true one.
    """
    at = 0
    for found in _MARKED.finditer(text):
        yield "", _true_minus(text[at : found.start()])
        yield str(found.lastgroup), found[str(found.lastgroup)]
        at = found.end()
    yield "", _true_minus(text[at:])


def _true_minus(text: str) -> str:
    return re.sub(r"(?<![\w.])-(?=[\d.]*\d)", "−", text)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _embedded(value: Any) -> Markup:
    return Markup(embedded_json(value))


@cache
def read(name: str) -> bytes:
    """A file of the templates' folder."""
    return resources.files("analysis.report").joinpath("templates", name).read_bytes()
