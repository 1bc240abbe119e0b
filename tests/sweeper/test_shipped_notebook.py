"""The notebook that `sweeper init` writes goes from data to a law in a real kernel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sweeper.cli import main

EXECUTE = Path(__file__).with_name("execute_notebook.py")


def shown(cell: dict[str, Any]) -> dict[str, str]:
    """The only value that a cell shows, by the type of its form."""
    [value] = [one["data"] for one in cell["outputs"] if "data" in one]
    return {kind: "".join(text) for kind, text in value.items()}


@pytest.mark.slow
def test_it_goes_from_data_to_a_law(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "first.ipynb"]) == 0
    environment = os.environ | {"JUPYTER_PLATFORM_DIRS": "1", "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(EXECUTE), "first.ipynb", "done.ipynb"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads(Path("done.ipynb").read_text(encoding="utf-8"))["cells"]
    assert len(cells) == 10
    _, plan, result, table, law, page = (one for one in cells if one["cell_type"] == "code")
    assert re.search(r"24 in \d+ packs?\b", shown(plan)["text/html"])
    assert "<b>first-law: 24 of 24 trials finished</b>" in shown(result)["text/html"]
    assert "<table" in shown(table)["text/html"]
    assert "test KL goes as σ<sup>−ν</sup> with ν = " in shown(law)["text/html"]
    assert "Plotly.newPlot" in shown(law)["text/html"]
    assert Path(shown(page)["text/plain"].strip("'")).is_file()
