"""Every model name is made of registered parts, and gives a trial that they accept."""

from __future__ import annotations

import pytest

from sweeper.grid.blocks import slots
from sweeper.grid.labels import flat_params
from sweeper.grid.models import MODELS, Model, fitting_network, known_models
from tests.sweeper.grids import HEAD, grid_text, trials_of
from trainers.networks import NETWORKS
from trainers.trial import PARTS

BLOCKS = {
    "sigma_vae": "sigma: 0.1",
    "alpha_vae": "alpha: 0.1",
    "bernoulli_vae": "beta: 2",
    "noisy_vae": "sigma: 0.1, corruption: {name: gaussian, sigma: 0.1}",
    "deen": "sigma: 0.1",
    "uvb": "sigma: 0.1",
    "dvae": "corruption: {name: gaussian, sigma: 0.1}",
    "iwae": "k: 2",
    "diwae": "k: 2, corruption: {name: gaussian, sigma: 0.1}",
}
DIGITS = HEAD.replace("linear_gaussian", "digits").replace(
    "network: linear, d_z: 2", "network: conv"
)


def test_every_model_has_a_block() -> None:
    assert set(BLOCKS) == {model.name for model in MODELS}


@pytest.mark.parametrize("model", known_models().values(), ids=lambda model: model.name)
def test_every_model_makes_trials(model: Model) -> None:
    trials = trials_of(grid_text(f"{{model: {model.name}, {BLOCKS[model.name]}}}", head=DIGITS))
    trial = trials[0].trial
    assert trials[0].params["model"] == model.name
    assert trial.objective.name == model.objective
    assert (trial.likelihood.name if trial.likelihood else None) == model.usual_likelihood
    assert trial.corrupts == model.corrupts
    assert trials[0].parameters == trial.count_parameters()


@pytest.mark.parametrize("model", known_models().values(), ids=lambda model: model.name)
def test_flat_keys_and_flat_params_agree(model: Model) -> None:
    trials = trials_of(grid_text(f"{{model: {model.name}, {BLOCKS[model.name]}}}", head=DIGITS))
    config = trials[0].trial.config()
    names = {part: config[part]["name"] for part in PARTS if config.get(part)}
    params = flat_params(trials[0].trial)
    for key, slot in slots(names).items():
        part, name = config[slot.part], slot.field.name
        if slot.field.later:  # younger than stored trials, and left out at its default
            assert (name in part, key in params) == (False, False)
        elif not slot.field.where:
            assert params[key] == part[name]


def test_a_field_that_two_parts_have_is_named_after_its_part() -> None:
    found = slots({"objective": "uvb", "network": "conv"})
    assert found["decoder"].part == "objective"
    assert found["network_decoder"].part == "network"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_models_say_what_they_are(model: Model) -> None:
    assert model.summary
    assert "arXiv" in model.reference


def test_a_model_without_its_parts_is_unknown() -> None:
    assert not Model("x", "no_such_objective", None, "", "").available
    assert not Model("x", "elbo", "no_such_likelihood", "", "").available


@pytest.mark.parametrize("network", NETWORKS)
def test_a_fitting_network_stays(network: str) -> None:
    kind = NETWORKS[network].kind
    model = known_models()["sigma_vae" if kind == "autoencoder" else "deen"]
    assert fitting_network(network, model) == network
