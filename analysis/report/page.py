"""Puts the parts of a report into one HTML file that needs no network."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from analysis.figures.drawing.palette import dark_partners
from analysis.report.part import Block, Key
from analysis.report.templating import environment, read

__all__ = ["PLOTLY", "Page", "Section", "render"]

# plotly.js 4.1.1 (MIT licence): npm's plotly.js-basic-dist-min as it is, compressed. Our figures
# are scatter plots, and it opens in half the time of the bundle inside the Python package.
PLOTLY = "plotly-basic.min.js.gz"


@dataclass(frozen=True)
class Section:
    """Blocks below one heading, with an anchor."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """The content of a report, as plain text and blocks; it begins with `answer`."""

    title: str
    provenance: str
    answer: str
    keys: Sequence[Key]
    sections: Sequence[Section]
    written: str
    reload_s: int | None = None


def render(page: Page) -> str:
    """The whole file. Only our own two scripts may run: the policy names their hashes."""
    script, plotly = read("page.js").decode("utf-8"), gzip.decompress(read(PLOTLY)).decode()
    return (
        environment()
        .get_template("page.html")
        .render(
            page=page,
            scripts=[_digest(script), _digest(plotly)],
            css=Markup(read("page.css").decode("utf-8")),
            settings={"dark": dark_partners(), "reload": page.reload_s},
            plotly=base64.b64encode(read(PLOTLY)).decode(),
            script=Markup(script),
        )
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode()
