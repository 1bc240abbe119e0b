"""How long a report over 1,000 trials takes to open in chromium.

    python -m tests.benchmarks.opening [--rounds 3] [--trials 1000]

Prints the size of the file and, for every round, seconds until the first figure and until all
figures stand, as wall time and as processor time of the page's main thread (which a busy machine
disturbs less), with the load of the machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from analysis import report
from analysis.laws.powerlaw import Law
from analysis.report import ReportSettings
from analysis.sources import load
from tests.analysis import storage_fixture as planted


def written(folder: Path, trials: int) -> Path:
    """A report over so many planted trials."""
    storage = planted.write(folder / "storage", planted.many_trials(trials))
    loaded = load.from_storage(storage, "imaginary-noise")
    return report.write(
        loaded, folder / "report", ReportSettings(law=Law("sigma", "test/kl", (0.03, 0.27)))
    )


def opened(browser: Any, path: Path) -> list[float]:
    """Wall and processor seconds until the first figure, then until all."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    found, start = [], time.perf_counter()
    page.goto(path.as_uri())
    for sign in (".plot svg.main-svg", "html[data-ready]"):
        page.wait_for_selector(sign, state="attached", timeout=120_000)
        wall = time.perf_counter() - start
        metrics = session.send("Performance.getMetrics")["metrics"]
        found += [wall, next(m["value"] for m in metrics if m["name"] == "TaskDuration")]
    context.close()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=1000)
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        path = written(Path(folder), arguments.trials)
        print(f"{arguments.trials} trials, {path.stat().st_size / 1e6:.1f} MB")
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        print("round   first [s]   cpu [s]   all [s]   cpu [s]   load")
        for number in range(1, arguments.rounds + 1):
            first, first_cpu, every, every_cpu = opened(browser, path)
            print(
                f"{number:5d}{first:12.2f}{first_cpu:10.2f}{every:10.2f}{every_cpu:10.2f}"
                f"{os.getloadavg()[0]:7.1f}",
                flush=True,
            )
        browser.close()


if __name__ == "__main__":
    main()
