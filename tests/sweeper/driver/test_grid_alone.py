"""`python -m trainers GRID` in an environment with nothing but what the manual lists."""

from __future__ import annotations

import os
import re
import subprocess
import venv
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sweeper.cli import main as sweeper
from tests.sweeper.mlflow_view import READY, look
from trainers import planned
from trainers.__main__ import main

pytestmark = READY

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / ".github" / "MANUAL.md").read_text()
FOR_TRAINING = (
    "torch",
    "torchvision",
    "numpy",
    "scikit-learn",
    "scipy",
    "safetensors",
    "jaxtyping",
    "Pillow",
)
GRID = """\
experiment: bare
data: digits
defaults: {network: linear, d_z: 2, epochs: 2, batch_size: 256}
seeds: 2
trials: [{model: sigma_vae, sigma: [0.1, 0.2]}]
"""


def requirements(names: tuple[str, ...]) -> dict[str, Distribution]:
    """The distributions of these names, and what they require in turn."""
    found, todo = dict[str, Distribution](), list(names)
    while todo:
        name = re.sub(r"[-_.]+", "-", todo.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # required on other systems
            continue
        required = [Requirement(line) for line in found[name].requires or ()]
        todo += [one.name for one in required if not one.marker or one.marker.evaluate()]
    return found


def environment(folder: Path, *names: str) -> Path:
    """The Python of an environment with these distributions alone, linked from this one."""
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    for one in requirements(names).values():
        tops = {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}
        for top in tops:
            if not (packages / top).is_symlink():
                (packages / top).symlink_to(Path(str(one.locate_file(top))).resolve())
    return folder / "bin" / "python"


def started(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), "-P", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_grid_is_trained_where_ray_and_mlflow_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is planned, trained and, where they are, shown in MLflow."""
    named = MANUAL.partition("## A machine with torch")[2]
    assert not [name for name in (*FOR_TRAINING, *planned.NEEDED) if name not in named]
    monkeypatch.chdir(tmp_path)
    Path("grid.yaml").write_text(GRID)
    python = environment(tmp_path / "environment", *FOR_TRAINING, *planned.NEEDED)
    there = (
        "import sys; from importlib.util import find_spec; print(*map(find_spec, sys.argv[1:]))"
    )
    absent = started(python, tmp_path, "-c", there, "ray", "mlflow", "pandas", "sqlalchemy")
    assert absent.stdout.split() == ["None"] * 4
    done = started(python, tmp_path, "-m", "trainers", "grid.yaml")
    assert done.returncode == 0, done.stderr
    assert "4 of 4 finished" in done.stdout
    assert sweeper(["reconcile"]) == 0
    seen = look(f"sqlite:///{tmp_path}/mlflow.db", "bare")
    assert sorted(seen.statuses.values()) == ["FINISHED"] * 4


def test_what_planning_lacks_is_said(tmp_path: Path) -> None:
    (tmp_path / "grid.yaml").write_text(GRID)
    python = environment(tmp_path / "environment", *FOR_TRAINING)
    done = started(python, tmp_path, "-m", "trainers", "grid.yaml")
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "here pydantic, rich, ruamel.yaml cannot be imported" in line


def test_mistakes_of_a_grid_are_those_that_sweeper_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also where the working folder has modules of such names."""
    monkeypatch.chdir(tmp_path)
    Path("sweeper.py").write_text("raise AssertionError")
    Path("grid.yaml").write_text(GRID.replace("sigma:", "sigmo:"))
    assert main(["grid.yaml"]) == 2
    said = capfd.readouterr().err
    assert "'sigma'" in said
    assert said.count("error:") == 1
    assert not Path("sweeps").exists()


def test_a_grid_is_planned_where_storage_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid, storage = tmp_path / "grid.yaml", str(tmp_path / "elsewhere")
    grid.write_text(GRID.replace("seeds: 2", "seeds: 1"))
    assert main([str(grid), "--storage", storage]) == 0
    assert "2 of 2 finished" in capsys.readouterr().out
    assert main([storage]) == 0
    assert main([storage, "--storage", storage]) == 2
    assert "is a folder, and --storage says" in capsys.readouterr().err
