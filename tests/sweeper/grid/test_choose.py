"""`analysis.choose`: which field a grid may have chosen, and by what."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeper.errors import UserError
from sweeper.grid.loading import load
from sweeper.sweep import Sweep
from tests.sweeper.grids import grid_text

HEAD = """\
experiment: small
data: {name: digits, validation: 200}
defaults: {network: mlp, d_z: 2, epochs: 1, lr: [1e-4, 1e-3]}
seeds: 2
"""
ONE = "{model: sigma_vae, sigma: [0.1, 0.2]}"


def loaded(folder: Path, said: str, *blocks: str, head: str = HEAD) -> Sweep:
    path = folder / "grid.yaml"
    path.write_text(grid_text(*(blocks or (ONE,)), head=f"{head}{said}\n"))
    return load(path)


def test_the_choice_is_declared_and_changes_no_trial(tmp_path: Path) -> None:
    plain = loaded(tmp_path, "")
    sweep = loaded(tmp_path, "analysis: {choose: {lr: validation/elbo_full}}")
    assert sweep.analysis["choose"] == {"lr": "validation/elbo_full"}
    assert "choose" not in plain.analysis
    assert [one.id for one in sweep.trials] == [one.id for one in plain.trials]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{lr: test/elbo_full}", "choose.lr: must be a metric of the validation part"),
        ("{lr: validation/elbo_ful}", "reports 'validation/elbo_ful'; did you mean"),
        ("{d_z: validation/elbo}", "chosen from two numbers or more, and d_z has 2 in this grid"),
        ("{rate: validation/elbo}", "and rate has none in this grid"),
        ("{model: validation/elbo}", "and model has none in this grid"),
        ("{}", "must be one field and the metric that chooses its value"),
        ("{lr: validation/kl, d_z: validation/kl}", "must be one field and the metric"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(said: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, f"analysis: {{choose: {said}}}")
    assert message in str(caught.value)


def test_a_choice_and_a_rule_for_seeds_are_not_combined(tmp_path: Path) -> None:
    said = "analysis: {choose: {lr: validation/elbo}}\nuntil: {nu_halfwidth: 0.1}"
    with pytest.raises(UserError, match="makes it one of chosen trials: leave one of the two out"):
        loaded(tmp_path, said)


def test_data_without_a_validation_part_and_twins_are_refused(tmp_path: Path) -> None:
    choose = "analysis: {choose: {lr: validation/elbo}}"
    with pytest.raises(UserError, match="no trial of this grid reports 'validation/elbo'"):
        loaded(tmp_path, choose, head=HEAD.replace(", validation: 200", ""))
    twin = "{model: sigma_vae, sigma: 0.1, beta: 4, aliases: verify}"
    with pytest.raises(UserError, match="a twin or merged trial follows its partner"):
        loaded(tmp_path, choose, ONE, twin)
