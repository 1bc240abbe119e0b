"""Shapes are checked in every test: trainers' jaxtyping annotations become beartype checks.

Hypothesis draws the same examples wherever the tests run, and no example has a deadline: a slow
machine is no defect. ``--hypothesis-profile default`` draws others.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

from tests import shapes

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # 30 pass beside busy processes
os.environ.setdefault("RAY_DASHBOARD_STARTUP_TIMEOUT_S", "300")

# A shell starts background jobs with SIGINT ignored; the tests of Ctrl-C need it everywhere.
# nohup has SIGHUP ignored; so do those of a closed terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

install_import_hook("trainers", f"{shapes.__name__}.check")

settings.register_profile(
    "anywhere", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("anywhere")

PATIENCE = 300_000.0  # milliseconds that a step in the browser may take

# A Ray that has ended leaves files and processes to the garbage collector, which may close them in
# any later test of the same process.
RAYS = (
    "ignore:subprocess [0-9]+ is still running:ResourceWarning",
    "ignore:unclosed file:ResourceWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the long tests, which share a process, answer for no Ray of another test."""
    for item in items:
        if any(item.get_closest_marker(name) for name in ("slow", "chaos", "browser")):
            for text in RAYS:
                item.add_marker(pytest.mark.filterwarnings(text))


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
