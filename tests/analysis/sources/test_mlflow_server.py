"""The same frames over HTTP, from a real tracking server."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pandas as pd
import pytest

from analysis import report
from analysis.errors import AnalysisError
from analysis.report import ReportSettings
from analysis.sources.foreign_runs import read_runs
from analysis.sources.load import from_mlflow, from_storage
from analysis.sources.run_links import find_runs, linked
from tests.analysis.sweep_folder import planted
from tests.conftest import PATIENCE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    pytest.importorskip("mlflow", reason="pip install mlflow")
    from tests.analysis.tracked_sweep import mirror

    root = tmp_path_factory.mktemp("served")
    planted(root / "sweeps", seeds=1)
    store = f"sqlite:///{root}/mlflow.db"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # MLflow's own, within its store
        mirror(root / "sweeps", "demo", store)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--backend-store-uri",
            store,
            "--workers",
            "1",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ
        | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
    )
    uri = f"http://127.0.0.1:{port}"
    try:
        wait_for(server, uri)
        yield root / "sweeps", uri
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_for(server: subprocess.Popen[bytes], uri: str) -> None:
    while server.poll() is None:
        try:
            urlopen(f"{uri}/health", timeout=10).close()
        except OSError:  # refused, too late, or cut off: the server is starting
            time.sleep(0.5)
        else:
            return
    pytest.fail("the tracking server did not start")


def test_frames_over_http_are_those_of_storage(served: tuple[Path, str]) -> None:
    storage, uri = served
    ours, theirs = from_storage(storage, "demo"), from_mlflow(uri, "demo")
    pd.testing.assert_frame_equal(theirs.trials.assign(run_id=None), ours.trials)
    pd.testing.assert_frame_equal(theirs.history, ours.history)


def test_logged_runs_over_http_are_those_of_the_store(served: tuple[Path, str]) -> None:
    """Read as anybody's, by parameters and metrics only."""
    storage, uri = served
    needed = ["sigma", "seed", "test/kl"]
    over_http = read_runs(uri, "demo", needed)
    stored = read_runs(f"sqlite:///{storage.parent}/mlflow.db", "demo", needed)
    assert len(stored.frame) >= 5
    assert over_http.notes == stored.notes
    pd.testing.assert_frame_equal(over_http.frame, stored.frame, check_like=True)


def drawn_links(page: Path) -> dict[str, str]:
    """Link → trial id of every point of the law's figure in a report."""
    body = re.search(
        r'<figure id="kl_sigma">.*?<script type="application/json">(.*?)</script>',
        page.read_text(),
        flags=re.S,
    )
    assert body
    figure = json.loads(body[1])
    links = [link for trace in figure["data"] for link in trace.get("customdata") or []]
    with (page.parent / "kl_sigma.csv").open(newline="") as file:
        trials = [row["trial"] for row in csv.DictReader(file) if row["kind"] == "measured"]
    return dict(zip(links, trials, strict=False))


def linked_report(served: tuple[Path, str], out: Path) -> dict[str, str]:
    storage, uri = served
    found = find_runs(uri, "demo", patience=600)
    settings = ReportSettings(server=uri, experiment_id=found.experiment_id)
    return drawn_links(report.write(linked(from_storage(storage, "demo"), found), out, settings))


def test_every_point_links_to_the_run_of_its_trial(
    served: tuple[Path, str], tmp_path: Path
) -> None:
    links = linked_report(served, tmp_path)
    assert len(links) == 5
    for link, trial in links.items():
        address, _, place = link.partition("/#/")
        with urlopen(f"{address}/", timeout=600) as answer:
            assert answer.status == 200
        path, _, query = place.partition("?")
        assert query == "workflowType=machine_learning"
        experiment, run = re.fullmatch(r"experiments/(\d+)/runs/(\w+)", path).groups()
        with urlopen(f"{address}/api/2.0/mlflow/runs/get?run_id={run}", timeout=600) as answer:
            found = json.load(answer)["run"]
        tags = {tag["key"]: tag["value"] for tag in found["data"]["tags"]}
        assert found["info"]["experiment_id"] == experiment
        assert tags["sweeper.trial"] == trial


@pytest.mark.browser
def test_a_link_opens_the_run_in_mlflow(
    served: tuple[Path, str], tmp_path: Path, browser: Any
) -> None:
    link = next(iter(linked_report(served, tmp_path)))
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE)
    answer = page.goto(link)
    assert answer.status == 200
    run = link.rpartition("/")[2].partition("?")[0]
    page.get_by_text(run).first.wait_for()
    assert "was not found" not in page.content()


def test_unknown_experiment_over_http(served: tuple[Path, str]) -> None:
    with pytest.raises(AnalysisError, match=r"no experiment 'nope'.*demo"):
        from_mlflow(served[1], "nope")
