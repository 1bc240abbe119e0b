"""What a grid declares is told to MLflow whole, however long it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.sources.mlflow_runs import Run, sweeps
from sweeper.tracking.tags import LONGEST, declared_tags, text
from tests.sweeper.small import small_sweep


@pytest.mark.parametrize("count", [1, 3000, 30_000])
def test_a_declared_analysis_of_any_length_is_read_back(tmp_path: Path, count: int) -> None:
    law = {"law": {"where": {"seed": list(range(count)), "model": 'ü"{}'}}}
    tags = declared_tags(small_sweep(tmp_path, analysis=law))
    assert max(map(len, tags.values())) <= LONGEST
    run = Run("one", "FINISHED", 0, None, tags={"sweeper.kind": "sweep", **tags})
    [row] = sweeps([run], "demo", "sqlite:///mlflow.db")
    assert row["analysis"] == law


def test_tags_of_an_earlier_longer_analysis_are_no_part_of_it(tmp_path: Path) -> None:
    longer = declared_tags(small_sweep(tmp_path, analysis={"law": {"x": "s" * 20_000}}))
    shorter = declared_tags(small_sweep(tmp_path, analysis={"law": {"x": "sigma"}}))
    tags = {"sweeper.kind": "sweep", **longer, **shorter}
    [row] = sweeps([Run("one", "FINISHED", 0, None, tags=tags)], "demo", "sqlite:///mlflow.db")
    assert row["analysis"] == {"law": {"x": "sigma"}}


def test_a_text_that_is_cut_says_so() -> None:
    assert text("s" * LONGEST) == "s" * LONGEST
    assert text("s" * (LONGEST + 1)) == "s" * (LONGEST - 1) + "…"
