"""HTML stands in the templates alone, every template is used, and a wheel has them all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.meta import find_referenced_templates

import analysis
from analysis.report.part import Block
from analysis.report.templating import environment, pieces

ROOT = Path(analysis.__path__[0])
PLOTLY_MARKUP = ROOT / "figures" / "drawing" / "labels.py"
MARKUP = re.compile(r"(?<!\?P)</?[a-z]\w*[ >/]|&[a-z]+;")


def strings(path: Path) -> Iterator[str]:
    """The string constants of a module, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(tree)
        if isinstance(node, documented)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value not in texts
        ):
            yield node.value


def test_no_module_but_that_of_plotlys_labels_writes_markup() -> None:
    found = {
        str(path.relative_to(ROOT)): text
        for path in ROOT.rglob("*.py")
        for text in strings(path)
        if MARKUP.search(text) and path != PLOTLY_MARKUP
    }
    assert found == {}
    assert any(MARKUP.search(text) for text in strings(PLOTLY_MARKUP)), "the test sees markup"


def test_every_template_is_used_and_every_used_one_is_there() -> None:
    templates = environment()
    files = set(templates.list_templates(extensions=["html"]))
    sources = [text for path in (ROOT / "report").rglob("*.py") for text in strings(path)]
    named = {text for text in sources if re.fullmatch(r"\w+\.html", text)}
    for name in files:
        source = resources.files("analysis.report").joinpath("templates", name).read_text("utf-8")
        named |= {one for one in find_referenced_templates(templates.parse(source)) if one}
    assert named - {"index.html"} == files


def test_a_template_escapes_and_stops_at_a_name_that_is_not_given() -> None:
    template = environment().get_template("absent.html")
    shown = template.render(block=Block("laws", "absent.html", "<i>", ['<b> & "quoted"']))
    assert "&lt;i&gt;" in shown
    assert "&lt;b&gt; &amp; &#34;quoted&#34;" in shown
    with pytest.raises(UndefinedError, match="content"):
        template.render(block={"title": ""})


def test_plain_text_is_cut_into_pieces() -> None:
    assert list(pieces("KL ∝ σ^−ν by `run -1`, -2 to 1-3")) == [
        ("", "KL ∝ σ"),
        ("sup", "−ν"),
        ("", " by "),
        ("code", "run -1"),
        ("", ", −2 to 1-3"),
    ]
