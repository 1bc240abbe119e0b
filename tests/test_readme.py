"""What the README shows is run, or at least understood, by the program that it is about."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.cli import parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MANUAL = (ROOT / ".github" / "MANUAL.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README + MANUAL, re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    parts = [part.partition("#")[0].strip() for line in lines for part in line.split("&&")]
    inline = re.findall(r"`(sweeper [a-z][^`]*)`", README)
    return [part for part in parts if part] + [" ".join(one.split()) for one in inline]


@pytest.mark.parametrize("command", [c for c in commands() if "sweeper " in c])
def test_every_command_is_one(command: str) -> None:
    """argparse knows the command and each of its options; a shipped grid that it names exists."""
    words = shlex.split(command)
    arguments = parser().parse_args(words[1:])
    named = getattr(arguments, "grid", "grid.yaml")
    assert (
        named == "grid.yaml" or (ROOT / "sweeper" / "grid" / "shipped" / f"{named}.yaml").exists()
    )


def test_the_two_first_commands_are_the_documented_ones() -> None:
    first = blocks("sh")[0]
    assert "pip install -c constraints.txt -e . " in first
    assert first.strip().endswith("sweeper run digits")
    assert '`.venv/bin/pip install -c constraints.txt -e ".[test]" && .venv/bin/pytest`' in README


@pytest.mark.parametrize("code", blocks("python"))
def test_every_python_example_runs(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


PUBLIC = """
from pathlib import Path
from typing import assert_type

import pandas as pd

import sweeper
from sweeper.notebook import Fit, Plan, Result

assert_type(sweeper.plan({"experiment": "demo"}), Plan)
assert_type(sweeper.plan("digits").trials, pd.DataFrame)
assert_type(sweeper.run(Path("grid.yaml"), inline=True), Result)
assert_type(sweeper.load("digits"), pd.DataFrame)
fitted = sweeper.fit("digits", x="sigma", range=(0.03, 0.27), where={"d_z": 5})
assert_type(fitted, Fit)
assert_type((fitted.nu, fitted.interval), tuple[float, tuple[float, float]])
assert_type(sweeper.report("digits"), Path)
assert_type(sweeper.__version__, str)
"""
CHECKERS = {
    "mypy": ["--strict", "--no-incremental"],
    "pyright": ["--pythonpath", sys.executable],  # what editors show, too
}


def checked(checker: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = Path(sys.executable).with_name(checker)
    if not path.exists() and "SWEEPER_CI" not in os.environ:
        pytest.skip(f"needs {checker}: pip install -c constraints.txt -e '.[test]'")
    program = [str(path), *CHECKERS[checker], "."]
    offline = os.environ | {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    return subprocess.run(
        program, cwd=folder, env=offline, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("checker", [pytest.param("mypy", marks=pytest.mark.slow), "pyright"])
def test_the_python_examples_and_the_public_functions_have_types(
    checker: str, tmp_path: Path
) -> None:
    for number, code in enumerate([*blocks("python"), PUBLIC]):
        (tmp_path / f"example{number}.py").write_text(code)
    done = checked(checker, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "wrong.py").write_text("import sweeper\nsweeper.plan(3)\n")
    assert "wrong.py:2" in checked(checker, tmp_path).stdout


def test_the_grid_is_a_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeper.grid.loading import load

    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(blocks("yaml")[0])
    assert len(load("grid.yaml").trials) == 5 * (9 + 2)


def test_every_folder_and_every_link_exists() -> None:
    whole = README.partition("## Where things are")[2]
    folders = re.findall(r"`(\w+)/`", whole)
    assert folders == ["trainers", "sweeper", "analysis", "cluster", "tests"]
    assert all((ROOT / folder).is_dir() for folder in folders)
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    assert links
    assert all((ROOT / link).is_file() for link in links)


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len(README.splitlines()) <= 80
    assert (ROOT / ".github/kl-against-sigma.png").stat().st_size < 200_000
