"""What has the right form and means nothing is refused before anything is read or trained."""

from __future__ import annotations

import pytest

from sweeper.errors import UserError
from sweeper.grid.document import parse
from sweeper.grid.expand import expand
from sweeper.grid.schema import check_grid
from tests.sweeper.grids import HEAD, grid_text

GOOD = "{model: sigma_vae, sigma: 0.1}"
VIEWS = "`m` is how many corrupted views of an example are drawn, and "


def refusal(text: str) -> str:
    """The message that a grid is refused with."""
    document = parse(text, "g.yaml")
    with pytest.raises(UserError) as caught:
        expand(document, check_grid(document))
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "{name: mnist, validation: 70000}",
            ".validation: must be at least 0 and less than 60000, not 70000",
        ),
        (
            "{name: binarized_mnist, validation: 60000}",
            ".validation: must be at least 0 and less than 60000, not 60000",
        ),
        (
            "{name: cifar10, validation: 50000}",
            ".validation: must be at least 0 and less than 50000, not 50000",
        ),
        (
            "{name: linear_gaussian, dims: 50, examples: 10}",
            ": LinearGaussian.examples must be more than its 50 dims",
        ),
        (
            "{name: linear_gaussian, dims: [4, 2000]}",
            ": LinearGaussian.examples must be more than its 2000 dims",
        ),
        (
            "{name: linear_gaussian, decay: 2}",
            ".decay: must be greater than 0 and at most 1, not 2",
        ),
        ("{name: linear_gaussian, data_seed: -1}", ".data_seed: must be at least 0, not -1"),
        ("{name: gaussian_mixture, data_seed: -1}", ".data_seed: must be at least 0, not -1"),
        ("{name: binarized_mnist, data_seed: -1}", ".data_seed: must be at least 0, not -1"),
        ("{name: frey_face, data_seed: -1}", ".data_seed: must be at least 0, not -1"),
        (
            "{name: image_folder, folder: f, data_seed: -1}",
            ".data_seed: must be at least 0, not -1",
        ),
    ],
)
def test_data_that_cannot_be_made_are_named_with_their_line(data: str, message: str) -> None:
    found = refusal(grid_text(GOOD, head=HEAD.replace("linear_gaussian", data)))
    assert found.startswith(f"g.yaml:2: data{message}")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (
            "{model: noisy_vae, sigma: 0.1, corruption: learnable_gaussian}",
            ": the corruption 'learnable_gaussian' is learned, and of the data that "
            "would change what "
            "the model is fitted to; use one of bernoulli, gaussian, laplace, mean_image, "
            "salt_and_pepper, or corrupt the input",
        ),
        (
            "{model: noisy_vae, sigma: 1, likelihood: bernoulli, corruption: {name: "
            "laplace, alpha: 1}}",
            ".likelihood: noisy_vae is a model with the likelihood gaussian, and "
            "bernoulli is what "
            "bernoulli_vae, dvae, iwae, diwae may have: leave it out, choose one of these",
        ),
        (
            "{model: sigma_vae, sigma: 0.1, likelihood: laplac}",
            ".likelihood: unknown likelihood 'laplac'; did you mean 'laplace'?",
        ),
        (
            "{model: sigma_vae, sigma: 0.1, m: 4}",
            f": {VIEWS}sigma_vae corrupts nothing: leave it out",
        ),
        ("{model: iwae, likelihood: gaussian, sigma: 0.1, m: [1, 2]}", f": {VIEWS}iwae corrupts"),
        (
            "{model: sigma_vae, sigma: 0.1, evaluate: [denoising: {gaussian: [0.1, 0.2, 0.1], "
            "salt_and_pepper: []}]}",
            ".evaluate[0]: the level 0.1 of gaussian noise appears twice",
        ),
        (
            "{model: sigma_vae, sigma: 0.1, evaluate: [smoothing: {radii: []}]}",
            ".evaluate[0].smoothing: Smoothing.radii must hold at least one radius, and each once",
        ),
    ],
)
def test_a_block_that_means_nothing_says_what_would(block: str, message: str) -> None:
    assert refusal(grid_text(GOOD, block)).startswith(f"g.yaml:7: trials[1]{message}")


def test_one_view_of_clean_data_is_what_every_model_has() -> None:
    document = parse(grid_text("{model: sigma_vae, sigma: 0.1, m: 1}"), "g.yaml")
    assert len(expand(document, check_grid(document))) == 2
