"""The browser that reports are opened in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

PATIENCE = 300_000.0  # milliseconds that a step in the browser may take


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless chromium; skips with the line that installs what is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("apt-get install -y --no-install-recommends chromium fonts-dejavu-core")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox"], timeout=PATIENCE
        )
        yield opened
        opened.close()
