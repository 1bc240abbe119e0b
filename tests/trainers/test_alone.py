"""`trainers` is a library of its own."""

from __future__ import annotations

import subprocess
import sys

BARE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import trainers, doctest
from trainers.trial import PARTS
assert all(len(list(registry)) for registry in PARTS.values())
failed, tried = doctest.testmod(trainers)
assert tried and not failed
"""
ABSENT = {
    "ray",
    "mlflow",
    "optuna",
    "pydantic",
    "pandas",
    "statsmodels",
    "plotly",
    "rich",
    "ruamel",
    "sweeper",
    "analysis",
    "cluster",
}


def test_it_trains_where_nothing_else_is_installed() -> None:
    """A process in which the other packages cannot be imported runs the docstring's example."""
    code = BARE.format(absent=ABSENT)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
