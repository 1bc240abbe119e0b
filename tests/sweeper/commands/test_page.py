"""A report is opened and served: by itself, and while its sweep runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from sweeper.commands.page import served
from sweeper.errors import UserError

GRID = """
experiment: live
data: {name: linear_gaussian, dims: 4}
defaults: {network: linear, d_z: 2, epochs: 2, batch_size: 256, lr: 1e-3}
seeds: 1
trials:
  - {model: sigma_vae, sigma: [0.5, 1.0, 2.0]}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a grid, where a browser writes down what it is asked to open."""
    (tmp_path / "grid.yaml").write_text(GRID)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> "{tmp_path}/opened"\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _sweeper(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "sweeper", *arguments]


@pytest.mark.slow
def test_a_run_opens_its_report_once_and_a_report_is_served(folder: Path) -> None:
    done = subprocess.run(
        _sweeper("run", "grid.yaml", "--inline", "--open"),
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    page = folder / "sweeps" / "sweeps" / "live" / "report" / "index.html"
    assert (folder / "opened").read_text().split() == [page.as_uri()]
    assert f"opens from {page}" in done.stdout
    assert '"reload": null' in page.read_text("utf-8"), "the last page is that of the whole sweep"
    with subprocess.Popen(
        _sweeper("report", "live", "--serve", "--open"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as serving:
        assert serving.stderr is not None
        assert serving.stdout is not None
        said = next(line for line in serving.stderr if line.startswith("serving "))
        address = said.split()[1]  # as a terminal selects it
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == page.read_bytes()
        while not serving.stdout.readline().startswith("report"):
            pass
        serving.send_signal(signal.SIGTERM)
    assert serving.returncode == 0
    assert (folder / "opened").read_text().split()[1] == address


def test_a_folder_is_served_on_the_loopback_address_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page")
    with served(tmp_path, 0) as address:
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == b"a page"
            assert answer.headers["Cache-Control"] == "no-store"
        port = int(address.rpartition(":")[2].partition("/")[0])
        with pytest.raises(UserError, match=f"port {port} cannot be used"), served(tmp_path, port):
            pass
    with pytest.raises(UserError, match="port 99999"), served(tmp_path, 99999):
        pass
    assert os.listdir(tmp_path) == ["index.html"]
