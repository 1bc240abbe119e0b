"""Run ids from a server: joined when it answers, and never waited for."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from analysis.sources import load, run_links
from analysis.sources.run_links import RunLinks, find_runs, linked
from tests.analysis.sweep_folder import planted


class Tracker(BaseHTTPRequestHandler):
    """Two pages of runs; the second comes after `server.delay` seconds."""

    server: Any

    def do_GET(self) -> None:
        self.answer({"experiment": {"experiment_id": "42"}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        second = "page_token" in body
        time.sleep(self.server.delay if second else 0)
        runs = [
            {
                "info": {"run_id": f"run-{name}"},
                "data": {"tags": [{"key": "sweeper.trial", "value": name}]},
            }
            for name in (["b"] if second else ["a"])
        ]
        self.answer({"runs": runs} | ({} if second else {"next_page_token": "more"}))

    def answer(self, content: dict[str, Any]) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def tracker() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Tracker)
    server.delay, server.daemon_threads = 0.0, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def address(server: Any) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/"


def test_all_pages_are_joined(tracker: Any) -> None:
    assert find_runs(address(tracker), "demo") == RunLinks("42", {"a": "run-a", "b": "run-b"})


def test_a_slow_server_gives_what_it_gave_in_time(tracker: Any) -> None:
    tracker.delay = 3600.0
    found = find_runs(address(tracker), "demo", patience=5.0)
    assert (found.experiment_id, found.runs) == ("42", {"a": "run-a"})


def test_who_has_patience_gets_what_a_slow_server_gives(
    tracker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_links, "PATIENCE", 0.01)
    tracker.delay = 0.1
    assert find_runs(address(tracker), "demo", patience=60).runs == {"a": "run-a", "b": "run-b"}


@pytest.mark.parametrize(
    "server",
    ["http://127.0.0.1:9", "sqlite:///mlflow.db", "javascript:alert(1)", "file:///etc/passwd"],
)
def test_no_server_gives_no_links(server: str) -> None:
    assert find_runs(server, "demo", patience=5.0) == RunLinks()


def test_runs_are_joined_by_trial(tmp_path: Path) -> None:
    planted(tmp_path)
    experiment = load.from_storage(tmp_path, "demo")
    first, second = experiment.trials["trial"][:2]
    found = linked(experiment, RunLinks("1", {first: "run-1", "unknown": "run-2"}))
    runs = found.trials.set_index("trial")["run_id"]
    assert runs[first] == "run-1"
    assert runs[[second]].isna().all()
    assert linked(experiment, RunLinks()) is experiment
