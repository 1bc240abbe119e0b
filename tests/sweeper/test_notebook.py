"""`import sweeper` in a script or a notebook: from a dict to a law and a report."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sweeper
from sweeper.errors import UserError
from sweeper.notebook import Plan, Result
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY

GRID = {
    "experiment": "from-python",
    "data": {"name": "digits"},
    "defaults": {"network": "mlp", "hidden": [8], "d_z": 2, "epochs": 6, "batch_size": 256},
    "seeds": range(1, 3),
    "trials": [{"model": "sigma_vae", "sigma": np.array([0.03, 0.06, 0.12])}],
    "storage": Path("kept"),
    "tracking": "sqlite:///mlflow.db",
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, blank_store: Path) -> tuple[Path, Plan, Result]:
    """A small sweep of a grid that is a dict, planned and then trained in this process."""
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(blank_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, sweeper.plan(GRID), sweeper.run(GRID, inline=True)


def test_a_plan_has_a_row_a_trial(
    ran: tuple[Path, Plan, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, plan, _ = ran
    monkeypatch.setenv("FORCE_COLOR", "1")  # as a notebook's kernel does
    assert "\x1b" not in repr(plan)
    assert sorted(plan.trials["sigma"]) == [0.03, 0.03, 0.06, 0.06, 0.12, 0.12]
    assert set(plan.trials["seed"]) == {1, 2}
    assert set(plan.trials["status"]) == {"pending"}
    assert "from-python" in repr(plan)
    assert plan._repr_html_().startswith("<pre>experiment from-python")


def test_a_result_says_how_the_sweep_ended(ran: tuple[Path, Plan, Result]) -> None:
    folder, _, result = ran
    assert repr(result).startswith("from-python: 6 of 6 trials finished\n")
    assert result.report == folder / "kept/sweeps/from-python/report/index.html"
    assert result.report.is_file()
    assert set(result.trials["status"]) == {"finished"}
    assert result.sentences
    assert all(sentence in repr(result) for sentence in result.sentences)
    assert "<ul><li>" in result._repr_html_()


def test_trials_and_histories_are_frames(
    ran: tuple[Path, Plan, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ran[0])
    trials = sweeper.load("from-python", storage="kept")
    assert len(trials) == 6
    assert trials["test/kl"].notna().all()
    history = sweeper.load("from-python", history=True, storage="kept")
    assert set(history["step"]) >= {1, 6}
    tracked = sweeper.load("from-python", tracking=ran[2].outcome.tracking_uri)
    assert dict(zip(tracked["trial"], tracked["run_id"], strict=True)) == dict(
        zip(trials["trial"], trials["run_id"], strict=True)
    )
    assert trials["run_id"].notna().all()
    merged = trials.merge(tracked, on="trial", suffixes=("", "_mlflow"))
    pd.testing.assert_series_equal(merged["test/kl"], merged["test/kl_mlflow"], check_names=False)


def test_a_fit_is_a_sentence_and_a_figure(
    ran: tuple[Path, Plan, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ran[0])
    law = sweeper.fit("from-python", x="sigma", where={"d_z": 2}, storage="kept")
    assert law.interval[0] < law.nu < law.interval[1]
    assert len(law.rows) == 6
    assert repr(law).startswith(law.law.sentences()[0])
    names = [trace.name for trace in law.figure.data]
    assert any("KL" in str(name) for name in names)
    html = law._repr_html_()
    assert "σ<sup>−ν</sup>" in html
    assert "Plotly.newPlot" in html
    assert "src=" not in html, "it needs no network"


def test_the_laws_of_the_report_are_had_by_their_names(
    ran: tuple[Path, Plan, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ran[0])
    laws = sweeper.laws("from-python", storage="kept")
    [(name, one)] = laws.items()
    assert name == "σ-VAE: test KL against σ"
    assert len(one.rows) == 6
    assert one.nu == sweeper.fit("from-python", storage="kept").nu
    assert repr(laws) == f"{name}\n{one!r}"
    assert laws._repr_html_().startswith(f"<h4>{name}</h4><p>")


def test_a_report_is_written_again(
    ran: tuple[Path, Plan, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ran[0])
    page = sweeper.report("from-python", storage="kept", out="again")
    assert page == ran[0] / "again/index.html"
    assert "from-python" in page.read_text(encoding="utf-8")


def test_a_mistake_in_a_dict_is_named_with_its_path() -> None:
    with pytest.raises(UserError, match="sigmaa"):
        sweeper.plan(GRID | {"trials": [{"model": "sigma_vae", "sigmaa": 0.1}]})
    with pytest.raises(UserError, match="numbers, texts, lists and dicts"):
        sweeper.plan(GRID | {"experiment": object()})


def test_importing_the_package_does_no_work() -> None:
    code = (
        "import sys, sweeper; print(sweeper.__version__, sorted(dir(sweeper))); "
        "print([m for m in ('torch', 'pandas', 'ray', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].endswith(str(sorted(sweeper.__all__)))
    assert done.stdout.splitlines()[1] == "[]"
