"""What a grid declares is told to MLflow whole, however long it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.sources.mlflow_runs import Run, sweeps
from sweeper.tracking.connection import check_address
from sweeper.tracking.tags import LONGEST, declared_tags, origin_tags, text
from sweeper.tracking.tracker import Tracking
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import small_sweep

pytestmark = READY


@pytest.mark.parametrize("count", [1, 3000, 30_000])
def test_a_declared_analysis_of_any_length_is_read_back(tmp_path: Path, count: int) -> None:
    texts = {"model": 'ü"{}', "label": "1", "note": "", "data.part": "a/b", "fit": [0.5, None]}
    law = {"law": {"where": {"seed": list(range(count)), **texts}}, "equivalence": {"margin": 0.1}}
    tags = declared_tags(small_sweep(tmp_path, analysis=law))
    assert max(map(len, tags.values())) <= LONGEST
    run = Run("one", "FINISHED", 0, None, tags={"sweeper.kind": "sweep", **tags})
    [row] = sweeps([run], "demo", "sqlite:///mlflow.db")
    assert row["analysis"] == law


def test_no_tag_of_a_run_is_an_object_in_json(tmp_path: Path) -> None:
    law = {"law": {"x": "sigma", "range": [0.03, 0.27]}, "equivalence": {"margin": 0.1}}
    sweep = replace(small_sweep(tmp_path, analysis=law), until={"max_seeds": 5})
    origin = {"versions": {"torch": "2.14.1", "ray": "2.60.0"}, "git_dirty": True, "host": None}
    assert declared_tags(sweep) | origin_tags(origin) == {
        "sweeper.analysis/law/x": "sigma",
        "sweeper.analysis/law/range": "[0.03, 0.27]",
        "sweeper.analysis/equivalence/margin": "0.1",
        "sweeper.until/rule/max_seeds": "5",
        "sweeper.versions": "torch 2.14.1, ray 2.60.0",
        "sweeper.git_dirty": "true",
    }
    tags = {"sweeper.kind": "sweep", **declared_tags(sweep), **origin_tags(origin)}
    [row] = sweeps([Run("one", "FINISHED", 0, None, tags=tags)], "demo", "sqlite:///mlflow.db")
    assert row["provenance"] == {"versions": origin["versions"], "git_dirty": True}
    assert row["until"] == {"rule": {"max_seeds": 5}}


def test_tags_of_an_earlier_longer_analysis_are_deleted(tmp_path: Path) -> None:
    """Else a law would be read that is no longer declared, or a text with an old end."""
    sweep = small_sweep(tmp_path, analysis={"law": {"x": "s" * 20_000, "y": "test/kl"}})
    check_address(sweep.tracking)
    Tracking(sweep, {})
    Tracking(replace(sweep, analysis={"law": {"x": "sigma"}}), {})
    [parent] = look(sweep.tracking).parents
    declared = {key: value for key, value in parent.data.tags.items() if "analysis" in key}
    assert declared == {"sweeper.analysis/law/x": "sigma"}


def test_a_text_that_is_cut_says_so() -> None:
    assert text("s" * LONGEST) == "s" * LONGEST
    assert text("s" * (LONGEST + 1)) == "s" * (LONGEST - 1) + "…"
