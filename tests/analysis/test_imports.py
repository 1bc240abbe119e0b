"""What importing `analysis` costs, and what it never needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("pandas", "scipy", "statsmodels", "plotly", "mlflow", "torch", "ray")


def loaded(statement: str) -> set[str]:
    """The heavy packages that a fresh interpreter has imported after `statement`."""
    code = f"{statement}\nimport sys\nprint(*[n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert loaded("import analysis, analysis.errors") == set()


@pytest.mark.parametrize("module", ["load", "powerlaw", "published", "equivalence", "compare",
                                    "bounds", "scaling", "replication", "linear_theory",
                                    "mlflow_store"])
def test_no_module_needs_torch_ray_or_mlflow_at_import(module: str) -> None:
    assert not loaded(f"import analysis.{module}") & {"torch", "ray", "mlflow", "plotly"}
