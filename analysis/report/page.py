"""Puts the parts of a report into one HTML file that needs no network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from analysis.figures.drawing.palette import dark_partners
from analysis.figures.drawing.style import escape

__all__ = ["Page", "Section", "embedded_json", "render"]

# plotly.js 4.1.1 (MIT licence): npm's plotly.js-basic-dist-min as it is, compressed. Our figures
# are scatter plots, and it opens in half the time of the bundle inside the Python package.
_PLOTLY = "plotly-basic.min.js.gz"


@dataclass(frozen=True)
class Section:
    """A part of the page with an anchor; `html` is trusted."""

    anchor: str
    title: str
    html: str


@dataclass(frozen=True)
class Page:
    """The content of a report: plain text, but for `keys` and the sections, which are HTML."""

    title: str
    eyebrow: str
    provenance: str
    keys: str
    sections: tuple[Section, ...]
    footer: str
    reload_s: int | None = None


def embedded_json(value: Any) -> str:
    """JSON that cannot end the script element that holds it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def render(page: Page) -> str:
    """The whole file. Only our own two scripts may run: the policy names their hashes."""
    script, plotly = _template("page.js"), gzip.decompress(_file(_PLOTLY)).decode("utf-8")
    slots = {
        "policy": _policy(script, plotly),
        "title": escape(page.title),
        "css": _template("page.css"),
        "eyebrow": escape(page.eyebrow),
        "provenance": escape(page.provenance),
        "keys": page.keys,
        "contents": "".join(
            f'<li><a href="#{one.anchor}">{escape(one.title)}</a></li>' for one in page.sections
        ),
        "body": "".join(_section(one) for one in page.sections),
        "footer": escape(page.footer),
        "settings": embedded_json({"dark": dark_partners(), "reload": page.reload_s}),
        "plotly": base64.b64encode(_file(_PLOTLY)).decode(),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda slot: slots[slot[1]], _template("page.html"))


def _section(section: Section) -> str:
    kind = ' class="summary"' if section.anchor == "summary" else ""
    return (
        f'<section id="{section.anchor}"{kind}><h2>{escape(section.title)}</h2>'
        f"{section.html}</section>\n"
    )


def _policy(*scripts: str) -> str:
    hashes = [hashlib.sha256(script.encode("utf-8")).digest() for script in scripts]
    allowed = " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _template(name: str) -> str:
    return _file(name).decode("utf-8")


@cache
def _file(name: str) -> bytes:
    return resources.files("analysis").joinpath("templates", name).read_bytes()
