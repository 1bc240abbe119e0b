"""Output that cannot show a character: a stand-in, the same exit code, and JSON unchanged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sweeper.terminal.stand_ins import in_ascii
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY

UTF8 = {"PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"}
NARROW = {
    "ascii": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"},
    "C": {"PYTHONUTF8": "0", "PYTHONIOENCODING": "", "LC_ALL": "C"},
}
GRID = """
experiment: narrow
data: linear_gaussian
defaults: {network: linear, d_z: 2, epochs: 2, lr: 1e-2}
aliases: verify
seeds: 2
trials:
  - {model: sigma_vae, sigma: [0.1, 0.2, 0.4]}
  - {model: sigma_vae, sigma: 0.1, beta: 4}
"""
COMMANDS = (
    "run grid.yaml --inline",
    "plan grid.yaml",
    "list",
    "report narrow",
    "fit narrow",
    "compare narrow --first sigma=0.1 --second sigma=0.4 --metric test/kl",
    "export narrow",
    "doctor",
    "plan nothing.yaml",
    "fit --published s1_table1",
)


@pytest.mark.parametrize(
    ("text", "stand_in"),
    [
        ("σ=0.1 β=4", "sigma=0.1 beta=4"),
        ("σ√β", "sigma sqrt beta"),
        ("Σ ± ν̂", "Sigma +- nu?"),
        ("× · … ≤ −1", "x . ... <= -1"),
        ("x² ½ 10⁻³", "x^2 1/2 10^-^3"),
        ("Müller “é”", 'Muller "e"'),
        ("日 \udc80", "? ?"),
    ],
)
def test_stand_ins_can_be_read(text: str, stand_in: str) -> None:
    assert in_ascii(text) == stand_in


def start(
    folder: Path, command: str, settings: Mapping[str, str]
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "sweeper", *command.split()],
        cwd=folder,
        env=os.environ | dict(settings),
        capture_output=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "grid.yaml").write_text(GRID)
    return tmp_path


@pytest.mark.parametrize("settings", NARROW.values(), ids=NARROW)
def test_a_plan_is_shown_with_stand_ins(settings: Mapping[str, str], folder: Path) -> None:
    done = start(folder, "plan grid.yaml", settings)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"sigma_vae sigma=0.1" in done.stdout


def test_json_is_the_same_in_every_encoding(folder: Path) -> None:
    narrow, wide = (
        start(folder, "plan grid.yaml --json", settings) for settings in (NARROW["ascii"], UTF8)
    )
    assert narrow.stdout.isascii()
    assert "σ=0.1" in wide.stdout.decode()
    assert json.loads(narrow.stdout)["trials"] == json.loads(wide.stdout)["trials"]


@pytest.mark.slow
def test_every_command_ends_as_it_would_with_every_character(
    tmp_path: Path, blank_store: Path
) -> None:
    """The same commands in two folders at once, as each takes seconds to start."""

    def codes(name: str, settings: Mapping[str, str]) -> dict[str, int]:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "grid.yaml").write_text(GRID)
        shutil.copy(blank_store, folder)
        return {one: start(folder, one, settings).returncode for one in COMMANDS}

    with ThreadPoolExecutor() as pool:
        narrow, wide = pool.map(codes, ("narrow", "wide"), (NARROW["C"], UTF8))
    assert narrow == wide
    assert (narrow["run grid.yaml --inline"], narrow["plan nothing.yaml"]) == (0, 2)
