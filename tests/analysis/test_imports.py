"""What importing `analysis` costs, and what it never needs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import analysis
from tests.analysis.storage_fixture import digits_experiment, write

HEAVY = ("pandas", "scipy", "statsmodels", "plotly", "mlflow", "torch", "ray")


def loaded(statement: str) -> set[str]:
    """The heavy packages that a fresh interpreter has imported after `statement`."""
    code = f"{statement}\nimport sys\nprint(*[n for n in {HEAVY!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert loaded("import analysis, analysis.errors") == set()


def test_what_a_notebook_imports_is_there_when_it_is_named() -> None:
    assert {name for name in analysis.__all__ if getattr(analysis, name, None)} == {
        "Groups",
        "Law",
        "compare",
        "compare_all",
        "equivalence",
        "fit",
        "fit_xy",
        "judged",
        "load",
        "published",
        "report",
    }
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        analysis.laod  # noqa: B018


def test_the_lines_of_the_docstring_run_in_a_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "sweeps", digits_experiment())
    lines = textwrap.dedent((analysis.__doc__ or "").split("::\n")[1].split("\n\n`load`")[0])
    exec(compile(lines, "notebook", "exec"), {})
    assert "test KL follows" in capsys.readouterr().out
    assert (tmp_path / "report" / "index.html").exists()


def test_the_root_holds_errors_and_wording_alone() -> None:
    names = {path.name for path in Path(analysis.__path__[0]).glob("*.py")}
    assert names == {"__init__.py", "errors.py", "wording.py"}


@pytest.mark.parametrize("command", [["--help"], ["list"], ["plan", "digits"]])
def test_commands_that_fit_nothing_do_not_import_statsmodels(command: list[str]) -> None:
    code = (
        "import sys\nfrom sweeper.cli import main\n"
        f"try:\n    main({command!r})\nexcept SystemExit:\n    pass\n"
        "print('loaded:', *[n for n in ('statsmodels', 'scipy.stats') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded:"


def test_no_module_needs_torch_ray_or_mlflow_at_import() -> None:
    """Nor plotly, which only the figures and the report draw with."""
    rooms = ("sources", "statistics", "laws", "comparisons", "equivalence", "published")
    modules = [
        f"analysis.{room}.{path.stem}"
        for room in rooms
        for path in sorted(Path(analysis.__path__[0], room).glob("[a-z]*.py"))
    ]
    assert {"analysis.sources.load", "analysis.laws.powerlaw"} <= set(modules)
    statement = "import " + ", ".join(modules)
    assert not loaded(statement) & {"torch", "ray", "mlflow", "plotly"}


ALONE = """
import importlib.abc, sys
from pathlib import Path

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"{name} is not installed here")

sys.meta_path.insert(0, Blocked())
from analysis import equivalence, published, report
from analysis.sources import load
from analysis.laws.powerlaw import Law, fit
from analysis.comparisons.compare import compare_all

experiment = load.from_storage(Path(sys.argv[1]), "imaginary-noise")
assert fit(experiment.trials, Law(where={"model": "sigma_vae"})).n_seeds == 3
assert equivalence.twins(experiment)
assert report.write(experiment, Path(sys.argv[2])).exists()
print(*sorted(BLOCKED & {name.split(".")[0] for name in sys.modules}), "done")
"""


def test_analysis_reports_where_there_is_no_torch_ray_or_mlflow(tmp_path: Path) -> None:
    """As on a machine without them: each import fails, and nothing needs one."""
    blocked = {
        "torch",
        "torchvision",
        "ray",
        "mlflow",
        "optuna",
        "pydantic",
        "rich",
        "ruamel",
        "trainers",
        "sweeper",
        "cluster",
        "sklearn",
        "safetensors",
    }
    storage = write(tmp_path / "storage", digits_experiment())
    code = f"BLOCKED = {blocked!r}\n{ALONE}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(storage), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["done"]), done.stderr
