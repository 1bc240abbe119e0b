"""Files of the user that are named like installed modules are imported by no process of ours."""

from __future__ import annotations

import fnmatch
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from cluster.mlflow_server import MlflowServer, free_port
from sweeper.chaos.disturbed import Setup

INTRUDER = "raise SystemExit('a file of the user was imported')\n"
NAMES = (
    "torch.py",
    "random.py",
    "mlflow.py",
    "trainers.py",
    "analysis/__init__.py",
    "cluster/__init__.py",
)
GRID = """
experiment: shadowed
data: {name: digits}
defaults: {network: mlp, hidden: [8], d_z: 2, epochs: 1, batch_size: 256}
seeds: 1
trials:
  - {model: sigma_vae, sigma: 0.1}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a grid and with files named like modules of Python, torch and sweeper."""
    for name in NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(INTRUDER)
    (tmp_path / "grid.yaml").write_text(GRID)
    return tmp_path


def start(
    folder: Path, words: Sequence[str], flags: Sequence[str] = (), path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run sweeper in a folder; `path` is PYTHONPATH."""
    added = {"PYTHONPATH": str(path)} if path else {}
    return subprocess.run(
        [sys.executable, *flags, "-m", "sweeper", *words],
        cwd=folder,
        env=os.environ | added,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_working_directory_comes_last(folder: Path) -> None:
    done = start(folder, ["plan", "grid.yaml"])
    assert done.returncode == 0, done.stderr


def test_the_folders_of_pythonpath_come_last(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    done = start(elsewhere, ["plan", "../grid.yaml"], ["-P"], path=folder)
    assert done.returncode == 0, done.stderr


def test_with_p_not_even_a_file_called_sweeper_is_run(folder: Path) -> None:
    (folder / "sweeper.py").write_text(INTRUDER)
    done = start(folder, ["plan", "grid.yaml"], ["-P"])
    assert done.returncode == 0, done.stderr


def test_a_module_that_python_imported_already_is_named(folder: Path) -> None:
    """`pathlib` imports fnmatch before sweeper can change the import path."""
    shutil.copy(fnmatch.__file__, folder)
    done = start(folder, ["list"])
    assert done.returncode == 2
    assert f"{folder / 'fnmatch.py'} is imported in place of Python's module" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_driver_of_the_chaos_tests_starts_in_any_folder(folder: Path) -> None:
    (folder / "sweeper.py").write_text(INTRUDER)
    command = Setup(folder, "", folder / "log").command()
    program = command[: command.index("sweeper.chaos.disturbed") + 1]
    done = subprocess.run([*program, "--help"], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("options", [["--inline"], []], ids=["inline", "ray"])
def test_a_sweep_trains_beside_such_files(folder: Path, options: list[str]) -> None:
    (folder / "sweeper.py").write_text(INTRUDER)
    done = start(folder, ["run", "grid.yaml", *options], ["-P"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 trials finished" in done.stdout


@pytest.mark.slow
def test_workers_do_not_see_the_folders_of_pythonpath(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    done = start(elsewhere, ["run", "../grid.yaml"], ["-P"], path=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 trials finished" in done.stdout


@pytest.mark.slow
def test_mlflows_server_starts_beside_such_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mlflow.py").write_text("open('executed.txt', 'w').close()\n")
    monkeypatch.chdir(folder)
    server = MlflowServer(f"sqlite:///{folder}/mlflow.db", free_port())
    with server.serving(), urllib.request.urlopen(f"{server.uri}/version") as answer:
        assert answer.status == 200
    assert not (folder / "executed.txt").exists()
