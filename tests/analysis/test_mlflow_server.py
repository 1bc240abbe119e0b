"""The same frames over HTTP, from a real tracking server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pandas as pd
import pytest

from analysis.errors import AnalysisError
from analysis.load import from_mlflow, from_storage
from tests.analysis.sweep_folder import planted

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
        [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store, "--workers", "1",
         "--host", "127.0.0.1", "--port", str(port)], start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
                          "MLFLOW_DISABLE_TELEMETRY": "true"})
    uri = f"http://127.0.0.1:{port}"
    try:
        wait_for(uri)
        yield root / "sweeps", uri
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_for(uri: str) -> None:
    for _ in range(240):
        try:
            urlopen(f"{uri}/health", timeout=1).close()
        except (URLError, TimeoutError):
            time.sleep(0.5)
        else:
            return
    pytest.fail("the tracking server did not start")


def test_frames_over_http_are_those_of_storage(served: tuple[Path, str]) -> None:
    storage, uri = served
    ours, theirs = from_storage(storage, "demo"), from_mlflow(uri, "demo")
    pd.testing.assert_frame_equal(theirs.trials.assign(run_id=None), ours.trials)
    pd.testing.assert_frame_equal(theirs.history, ours.history)


def test_unknown_experiment_over_http(served: tuple[Path, str]) -> None:
    with pytest.raises(AnalysisError, match=r"no experiment 'nope'.*demo"):
        from_mlflow(served[1], "nope")
