"""A figure of a notebook's cell in a browser without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from analysis.report.cell import figure_html
from tests.conftest import PATIENCE

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    "loader", ["", "<script>window.define = () => {}; define.amd = {}</script>"]
)
def test_it_is_drawn_without_a_network(browser: Any, tmp_path: Path, loader: str) -> None:
    """Also where a module loader, such as a classic notebook's, would take plotly.js."""
    figure = go.Figure(go.Scatter(x=[1, 2], y=[1, 2], name="</script>"))
    path = tmp_path / "cell.html"
    cells = figure_html(figure) + figure_html(figure)
    path.write_text(f"<!doctype html><meta charset=utf-8>{loader}{cells}", encoding="utf-8")
    page = browser.new_context(offline=True).new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(path.as_uri())
    for number in range(2):
        page.locator(".js-plotly-plot").nth(number).locator("g.trace").first.wait_for()
