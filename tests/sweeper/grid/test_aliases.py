"""(σ, β) is the twin of σ√β: found in the grid, trained with the scaled ε, equal in the end."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from sweeper.errors import UserError
from sweeper.grid.aliases import as_twin, partner
from sweeper.sweep import PlannedTrial
from tests.sweeper.grids import HEAD, grid_text, trials_of
from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.likelihoods.gaussian import Gaussian
from trainers.likelihoods.gaussian_learned import GaussianLearned
from trainers.networks.linear import Linear
from trainers.objectives.elbo import Elbo
from trainers.objectives.uvb import Uvb
from trainers.pack import Pack
from trainers.trial import Trial

VERIFY = HEAD + "aliases: verify\n"
TRIAL = Trial(
    objective=Elbo(beta=4.0),
    likelihood=Gaussian(sigma=0.03),
    network=Linear(d_z=2),
    data=LinearGaussian(),
)


def test_the_partner_has_the_scale_of_theorem_1() -> None:
    other = partner(TRIAL)
    assert other == replace(TRIAL, objective=Elbo(), likelihood=Gaussian(sigma=0.06))


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_without_a_weight_there_is_no_partner(beta: float) -> None:
    assert partner(replace(TRIAL, objective=Elbo(beta=beta))) is None


@pytest.mark.parametrize(
    "trial",
    [
        replace(TRIAL, likelihood=GaussianLearned()),
        replace(TRIAL, corruption=GaussianNoise(sigma=0.1), corrupts="data"),
        replace(TRIAL, objective=Uvb(sigma=0.1, beta=4.0), likelihood=None),
    ],
    ids=["no noise level", "noisy data", "another loss"],
)
def test_without_a_theorem_there_is_no_partner(trial: Trial) -> None:
    assert partner(trial) is None


def test_eps_is_scaled_like_the_loss() -> None:
    assert as_twin(TRIAL).training.eps == 4 * TRIAL.training.eps


def pairs(text: str) -> dict[str, str]:
    trials = {trial.id: trial for trial in trials_of(text)}
    return {trial.label: trials[trial.twin_of].label for trial in trials.values() if trial.twin_of}


def test_verify_turns_rows_with_a_weight_into_twins() -> None:
    found = pairs(
        grid_text(
            "{model: sigma_vae, sigma: [0.03, 0.06, 0.12]}",
            "{model: sigma_vae, sigma: 0.03, beta: [4, 16]}",
            "{model: alpha_vae, alpha: [0.1, 0.2]}",
            "{model: alpha_vae, alpha: 0.1, beta: 2}",
            head=VERIFY.replace("seeds: 2", "seeds: 1"),
        )
    )
    assert found == {
        "sigma_vae σ=0.03 β=4 seed=0": "sigma_vae σ=0.06 seed=0",
        "sigma_vae σ=0.03 β=16 seed=0": "sigma_vae σ=0.12 seed=0",
        "alpha_vae α=0.1 β=2 seed=0": "alpha_vae α=0.2 seed=0",
    }


def test_keep_leaves_them_as_they_are() -> None:
    text = grid_text(
        "{model: sigma_vae, sigma: [0.03, 0.06]}", "{model: sigma_vae, sigma: 0.03, beta: 4}"
    )
    assert {trial.role for trial in trials_of(text)} == {"declared"}
    kept = text.replace("beta: 4", "beta: 4, aliases: keep").replace(HEAD, VERIFY)
    assert {trial.role for trial in trials_of(kept)} == {"declared"}


def test_a_block_can_ask_for_twins_alone() -> None:
    text = grid_text(
        "{model: sigma_vae, sigma: [0.03, 0.06]}",
        "{model: sigma_vae, sigma: 0.03, beta: 4, seeds: [1], aliases: verify}",
    )
    assert [trial.role for trial in trials_of(text)] == ["declared"] * 4 + ["twin"]


@pytest.mark.parametrize(
    "block",
    [
        "{model: sigma_vae, sigma: 0.05, beta: 4}",
        "{model: sigma_vae, sigma: 0.03, beta: 4, seeds: [9]}",
        "{model: sigma_vae, sigma: 0.03, beta: 4, epochs: 7}",
    ],
)
def test_a_missing_partner_is_an_error_that_names_it(block: str) -> None:
    with pytest.raises(
        UserError,
        match=r"add sigma_vae σ=0\.(06|1) seed=\d to the grid, or write "
        r"`aliases: keep`",
    ) as caught:
        trials_of(grid_text("{model: sigma_vae, sigma: 0.06}", block, head=VERIFY))
    assert caught.value.line == 8


def history(trial: PlannedTrial) -> list[dict[str, float]]:
    pack = Pack([trial.trial])
    return [pack.run_epoch()[0].metrics for _ in range(3)]


@pytest.mark.parametrize(
    "blocks",
    [
        (
            "{model: sigma_vae, sigma: [0.06, 0.12]}",
            "{model: sigma_vae, sigma: 0.03, beta: [4, 16]}",
        ),
        (
            "{model: alpha_vae, alpha: [0.06, 0.12]}",
            "{model: alpha_vae, alpha: 0.03, beta: [2, 4]}",
        ),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_twins_are_equal_to_the_last_bit(blocks: tuple[str, str], precision: str) -> None:
    head = VERIFY.replace("epochs: 2", f"epochs: 3, precision: {precision}").replace(
        "seeds: 2", "seeds: 1"
    )
    trials = {trial.id: trial for trial in trials_of(grid_text(*blocks, head=head))}
    twins = [trial for trial in trials.values() if trial.role == "twin"]
    assert len(twins) == 2
    for twin in twins:
        own, other = history(twin), history(trials[twin.twin_of or ""])
        assert [(r["test/kl"], r["test/recon"]) for r in own] == [
            (r["test/kl"], r["test/recon"]) for r in other
        ]


def test_an_unscaled_eps_breaks_the_equality() -> None:
    head = VERIFY.replace("epochs: 2", "epochs: 3, eps: 1e-2").replace("seeds: 2", "seeds: 1")
    text = grid_text(
        "{model: sigma_vae, sigma: 0.06}", "{model: sigma_vae, sigma: 0.03, beta: 4}", head=head
    )
    partner_trial, twin = trials_of(text)
    training = replace(twin.trial.training, eps=1e-2)
    unscaled = replace(twin, trial=replace(twin.trial, training=training))
    assert history(twin) != history(partner_trial)
    kls = [history(trial)[-1]["test/kl"] for trial in (partner_trial, twin, unscaled)]
    assert kls[0] == kls[1]
    assert kls[0] != kls[2]
    torch.testing.assert_close(kls[0], kls[1])
