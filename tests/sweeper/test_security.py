"""What others wrote, in grids, names and storage folders, is never executed and stays in place."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import pickle
from pathlib import Path

import pandas as pd
import pytest

from analysis.report import ReportSettings, write
from analysis.sources import load
from analysis.sources.exports import export
from sweeper.errors import UserError
from sweeper.grid.document import parse
from sweeper.grid.schema import check_grid
from sweeper.status.trained import load_trained
from sweeper.storage.evaluations import read_evaluations
from tests.analysis.sweep_folder import SweepFolder
from tests.sweeper.grids import grid_text
from tests.sweeper.small import newest, small_sweep, train
from trainers.errors import ResumeError

ROOT = Path(__file__).parents[2]
TRAP = "trap"


class Trap:
    """A pickle that leaves a file where it was loaded."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (TRAP,)


@pytest.fixture(autouse=True)
def _nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.mkdir [trap]",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!binary aGk=",
        "!include /etc/passwd",
        "!<tag:yaml.org,2002:python/object:os.system> x",
    ],
)
def test_tags_are_refused_with_their_line(value: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^g.yaml:2: .*tags .* are not allowed"):
        parse(f"experiment: a\nstorage: {value}\n", "g.yaml")
    assert not (tmp_path / TRAP).exists()


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(UserError, match="aliases count in full"):
        parse("\n".join(lines), "g.yaml")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc",
        "/etc",
        "a/b",
        "a\\b",
        "..",
        ".",
        " ",
        "a\n",
        "a\0b",
        "~",
        "-rf",
        "a" * 100,
        "<b>x</b>",
        "=cmd|'/C calc'!A0",
        "%2e%2e",
        "a:b",
        "$(touch x)",
        "\u202egnp",
    ],
)
def test_an_experiment_names_one_folder(name: str) -> None:
    text = grid_text("{model: sigma_vae, sigma: 0.1}").replace(
        "experiment: test", f"experiment: {json.dumps(name)}"
    )
    with pytest.raises(UserError, match="experiment: must be 1 to 99 letters"):
        check_grid(parse(text, "g.yaml"))


@pytest.mark.parametrize("key", ["../../../escaped", "/tmp/escaped", "nll", ".."])
def test_an_evaluation_cannot_name_another_place(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "trials" / "t" / "evaluations"
    folder.mkdir(parents=True)
    row = {
        "schema": 1,
        "key": key,
        "evaluation": {"name": "nll"},
        "epoch": 1,
        "time_ms": 1,
        "metrics": {},
        "table": [{"a": 1}],
    }
    (folder / "nll-1.json").write_text(json.dumps(row))
    assert read_evaluations(tmp_path, "t") == []
    (folder / "nll-1.json").write_text(json.dumps(row | {"key": "nll-1"}))
    assert [one.key for one in read_evaluations(tmp_path, "t")] == ["nll-1"]


@pytest.mark.parametrize("vouched", [False, True])
def test_a_pickle_in_the_place_of_a_state_is_refused(tmp_path: Path, vouched: bool) -> None:
    """Also where the manifest vouches for it, with its right size and SHA-256."""
    sweep = small_sweep(tmp_path)
    train(sweep)
    commit = newest(sweep, sweep.trials[0])
    content = pickle.dumps(Trap())
    (commit.folder / "state.safetensors").write_bytes(content)
    if vouched:
        about = json.loads((commit.folder / "manifest.json").read_bytes())
        about["files"]["state.safetensors"] = {
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        (commit.folder / "manifest.json").write_text(json.dumps(about))
        with pytest.raises(ResumeError, match="holds no readable state"):
            newest(sweep, sweep.trials[0]).load()
        with pytest.raises(UserError):
            load_trained(sweep.storage, sweep.trials[0].id)
    else:
        assert load_trained(sweep.storage, sweep.trials[0].id).epoch == 2
    train(sweep)
    assert not (tmp_path / TRAP).exists()


FORMULAS = ("=cmd|'/C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1")
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_text_in_exported_tables_is_no_formula(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    for place, text in enumerate(FORMULAS):
        folder.trial(f"t{place}", {"model": text, "sigma": -0.5, "seed": place})
        folder.commit(f"t{place}", 2, {"test/kl": -1.5})
    folder.sweep()
    paths = export(load.from_storage(tmp_path, "demo"), tmp_path / "out")
    table = pd.read_csv(next(path for path in paths if path.name == "trials.csv"))
    assert sorted(table["model"]) == sorted(f"'{text}".replace("\r", " ") for text in FORMULAS)
    assert set(table["sigma"]) == {-0.5}
    assert set(table["test/kl"]) == {-1.5}


def test_a_report_shows_names_and_runs_none(tmp_path: Path) -> None:
    folder = SweepFolder(tmp_path)
    for place in range(3):
        folder.trial(
            f"t{place}",
            {
                "model": SCRIPT,
                "sigma": 0.1 * (place + 1),
                "seed": 0,
                "data": SCRIPT,
                "network": SCRIPT,
            },
        )
        folder.commit(f"t{place}", 2, {"test/kl": 1.5 + place, "test/recon": 1.0})
    folder.sweep()
    page = write(
        load.from_storage(tmp_path, "demo"), tmp_path / "report", ReportSettings()
    ).read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page or "\\u003cscript" in page


FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}


def modules() -> list[Path]:
    return [
        path
        for name in ("sweeper", "trainers", "analysis", "cluster")
        for path in sorted((ROOT / name).rglob("*.py"))
    ]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_or_evaluated(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.partition(".")[0] for name in names} & FORBIDDEN
        if isinstance(node, ast.Call):
            called, options = ast.unparse(node.func), ast.unparse(node)
            if (path.name, called) == ("component_files.py", "exec"):
                continue  # the source of a component that the user named, checked by its hash
            assert called not in (
                "torch.load",
                "eval",
                "exec",
                "pd.read_pickle",
                "os.system",
                "__import__",
                "yaml.load",
            )
            assert not called.endswith(("get_pickled_error", "Tuner.restore"))
            assert called != "np.load" or "allow_pickle=False" in options
            assert "shell=True" not in options
