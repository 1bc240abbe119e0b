"""The table with which MLflow opens an experiment: the trials, what varies, and the metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sweeper.tracking.first_view import first_view
from tests.sweeper.searched import load

TPE = "{method: tpe, trials: 3, metric: validation/elbo_full, mode: max}"


def view_of(folder: Path, search: str, *blocks: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(first_view(load(folder, search, *blocks)))
    return found


def columns(view: dict[str, Any], kind: str) -> list[str]:
    start = f"{kind}.`"
    shown = view["selectedColumns"]
    return [one.removeprefix(start)[:-1] for one in shown if one.startswith(start)]


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (["{model: sigma_vae, sigma: [0.1, 0.2]}"], ["sigma"]),
        (["{model: sigma_vae, sigma: 0.1, d_z: [2, 3]}"], ["d_z"]),
        (["{model: sigma_vae, sigma: 0.1}", "{model: alpha_vae, alpha: 0.1}"], ["sigma", "alpha"]),
    ],
)
def test_the_columns_are_what_varies(
    blocks: list[str], expected: list[str], tmp_path: Path
) -> None:
    view = view_of(tmp_path, "{method: grid}", *blocks)
    assert columns(view, "params") == [*expected, "model", "seed"]
    assert columns(view, "metrics")[0] == "test/kl"
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`test/kl`", True)


def test_a_search_is_sorted_by_its_metric_and_shows_what_it_draws(tmp_path: Path) -> None:
    block = "{model: sigma_vae, sigma: {uniform: [0.1, 0.2]}, data: {name: digits, validation: 9}}"
    view = view_of(tmp_path, TPE, block)
    assert columns(view, "params") == ["sigma", "model", "seed"]
    assert columns(view, "metrics")[0] == "validation/elbo_full"
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`validation/elbo_full`", False)
