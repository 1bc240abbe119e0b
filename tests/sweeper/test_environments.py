"""Environments in which sweeper is started, and a Ray that does not start."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import ray
from ray.exceptions import RuntimeEnvSetupError

from sweeper.cli import main
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY

GRID = """
experiment: small
data: linear_gaussian
defaults: {network: linear, d_z: 2, epochs: 1, lr: 1e-2}
seeds: 1
trials:
  - {model: sigma_vae, sigma: 0.1}
"""
RUN = """
import subprocess, sys
done = subprocess.run([{python!r}, "-P", "-m", "sweeper", "run", "grid.yaml"])
sys.exit(done.returncode)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "grid.yaml").write_text(GRID)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("ready_store")
@pytest.mark.parametrize(
    "error",
    [
        RuntimeEnvSetupError("Failed to set up the runtime environment\nfor the job\n"),
        KeyError("node_ip_address"),
        AssertionError(),
        ValueError("a value\n" * 200),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_ray_that_does_not_start_is_one_sentence(
    error: Exception,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(**settings: object) -> None:
        raise error

    monkeypatch.setattr(ray, "init", refuse)
    assert main(["run", "grid.yaml", "--json"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    [sentence] = [line for line in said if line.startswith("error: ")]
    assert said[-1] == sentence
    assert "Ray cannot be started on this machine (" in sentence
    assert sentence.endswith("mend that, or use --inline")
    assert len(sentence) < 600


@pytest.mark.slow
def test_uv_run_sends_nothing_of_the_folder_to_the_workers(folder: Path) -> None:
    """Ray knows `uv run` by the command of a parent process."""
    (folder / "bin").mkdir()
    (folder / "bin" / "uv").symlink_to(sys.executable)
    (folder / "run").write_text(RUN.format(python=sys.executable))
    with (folder / "data.bin").open("wb") as data:
        data.truncate(650_000_000)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [folder / "bin" / "uv", "run"], env=plain, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 trials finished" in done.stdout
