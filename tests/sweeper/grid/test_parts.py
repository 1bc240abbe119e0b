"""A block may name its parts: those of a nickname are that model, others are named by them."""

from __future__ import annotations

import pytest

from sweeper.errors import UserError
from tests.sweeper.grids import HEAD, grid_text, trials_of

DIGITS = HEAD.replace("linear_gaussian", "digits").replace(
    "network: linear, d_z: 2", "network: conv"
)
NOISE = "corruption: {name: gaussian, sigma: 0.1}"
LAPLACE = "objective: elbo, likelihood: laplace, alpha: 0.1"


@pytest.mark.parametrize(
    ("parts", "model"),
    [
        ("objective: elbo, likelihood: gaussian, sigma: 0.1", "model: sigma_vae, sigma: 0.1"),
        (f"{LAPLACE}, beta: 4", "model: alpha_vae, alpha: 0.1, beta: 4"),
        ("objective: elbo", "model: bernoulli_vae"),
        (
            f"objective: elbo, likelihood: gaussian, sigma: 0.1, {NOISE}, corrupts: data",
            f"model: noisy_vae, sigma: 0.1, {NOISE}",
        ),
        (f"{LAPLACE}, {NOISE}, corrupts: input", f"model: dvae, {LAPLACE[17:]}, {NOISE}"),
        ("objective: deen, sigma: 0.1", "model: deen, sigma: 0.1"),
        ("objective: uvb, sigma: 0.1", "model: uvb, sigma: 0.1"),
        ("objective: iwae, k: 3", "model: iwae, k: 3"),
        (f"objective: iwae, {NOISE}", f"model: diwae, {NOISE}"),
    ],
)
def test_the_parts_of_a_nickname_are_that_model(parts: str, model: str) -> None:
    named = trials_of(grid_text(f"{{{parts}}}", head=DIGITS))
    assert named == trials_of(grid_text(f"{{{model}}}", head=DIGITS))


@pytest.mark.parametrize(
    ("parts", "label"),
    [
        ("objective: elbo, likelihood: gaussian_learned", "elbo+gaussian_learned seed=0"),
        (f"{LAPLACE}, {NOISE}, corrupts: data", "elbo+laplace+corrupted_data α=0.1 seed=0"),
    ],
)
def test_parts_without_a_nickname_are_named_by_them(parts: str, label: str) -> None:
    trials = trials_of(grid_text(f"{{{parts}, seeds: 1}}", head=DIGITS))
    assert [trial.label for trial in trials] == [label]
    assert trials[0].params["model"] == label.split()[0]


def test_lists_of_parts_span_every_combination() -> None:
    block = f"{{{LAPLACE}, {NOISE}, corrupts: [data, input], seeds: 1}}"
    trials = trials_of(grid_text(block, head=DIGITS))
    models = [trial.params["model"] for trial in trials]
    assert models == ["elbo+laplace+corrupted_data", "dvae"]


def test_what_a_block_names_goes_before_a_default_of_the_other_kind() -> None:
    head = DIGITS.replace("{network", "{model: deen, sigma: 0.2, network")
    trials = trials_of(grid_text("{seeds: 1}", f"{{{LAPLACE}, seeds: 1}}", head=head))
    assert [trial.params["model"] for trial in trials] == ["deen", "alpha_vae"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("objective: elbow", ".objective: unknown objective 'elbow'; did you mean 'elbo'? (kn"),
        (
            "objective: elbo, likelihood: laplas",
            ".likelihood: unknown likelihood 'laplas'; did you mean 'laplace'? (known: ",
        ),
        ("objective: elbo, likelihood: laplace", ": elbo+laplace needs `alpha`"),
        (
            "objective: elbo, sigma: 0.1",
            ".sigma: elbo+bernoulli has no `sigma`; it belongs to the objective deen, the "
            "objective uvb, the likelihood gaussian (elbo+bernoulli has: ",
        ),
        (
            "objective: deen, likelihood: gaussian, sigma: 0.1",
            ".likelihood: deen has no `likelihood`, because its loss is least squares (deen has",
        ),
        (
            f"objective: deen, sigma: 0.1, {NOISE}",
            ".corruption: deen has no `corruption`; it belongs to the objective elbo, the obj",
        ),
        (
            f"{LAPLACE}, {NOISE}",
            ".corruption: elbo takes a corruption of the input or of the data: write "
            "`corrupts: input` or `corrupts: data`",
        ),
        (
            f"objective: iwae, {NOISE}, corrupts: data",
            ".corrupts: iwae takes a corruption of the input, and not of 'data'",
        ),
        (
            f"{LAPLACE}, corrupts: data",
            ".corrupts: elbo+laplace has no `corrupts`, because it corrupts nothing: name a "
            "`corruption`",
        ),
        (
            "model: sigma_vae, sigma: 0.1, objective: elbo",
            ".objective: a block has either the nickname `model`, or `objective` and the other "
            "parts: leave one of them out",
        ),
        (
            f"model: dvae, {NOISE}, corrupts: data",
            ".corrupts: dvae has no `corrupts`, because the name of a `model` says what is "
            "corrupted: write `objective` in its place",
        ),
        (
            "model: sigma_vae, likelihood: laplace, alpha: 0.1",
            ".likelihood: sigma_vae is a model with the likelihood gaussian, and laplace is what ",
        ),
    ],
)
def test_a_wrong_part_is_named_with_its_line(block: str, message: str) -> None:
    with pytest.raises(UserError) as refusal:
        trials_of(grid_text(f"{{{block}}}", head=DIGITS))
    assert str(refusal.value).startswith(f"grid.yaml:6: trials[0]{message}")
