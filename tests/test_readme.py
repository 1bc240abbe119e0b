"""What the README shows is run, or at least understood, by the program that it is about."""

from __future__ import annotations

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
