"""`sweeper denoise`: clean, noisy and denoised test images of a trained model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sweeper.errors import UserError
from sweeper.pictures.denoised import draw_denoised
from sweeper.status.trained import load_trained
from tests.sweeper.mlflow_view import THIRD_PARTY
from tests.sweeper.pictures.test_sample import command
from tests.sweeper.trained_zoo import id_of, pictures_of, trained_sweep
from trainers import datasets

pytestmark = THIRD_PARTY

SAMPLE, MEAN = "x̂(y) from one sample z ~ q(z|y)", "x̂(y) from the posterior mean"
JUMP, NEBULA = "x̂(y) = y − σ²∇f(y)", "x̂(x̂(y)), two-step NEBULA"
ROWS = {
    "sigma_vae": [SAMPLE, MEAN],
    "dvae": [SAMPLE, MEAN],
    "deen": [JUMP, NEBULA],
    "uvb": [f"{JUMP}, latents drawn", f"{JUMP}, latents at their mean", NEBULA],
}


@pytest.mark.parametrize(
    "noise",
    ["gaussian:0.9", "laplace:0.4", "salt_and_pepper:0.5", "bernoulli:0.1", "mean_image:1", None],
)
@pytest.mark.parametrize("model", ROWS)
def test_rows_show_clean_noisy_and_every_estimate(model: str, noise: str | None) -> None:
    trained = load_trained(trained_sweep().storage, id_of(model))
    drawing = draw_denoised(trained, noise, 4, 0)
    assert list(drawing.captions) == ["clean", "noisy", *ROWS[model]]
    assert np.shape(drawing.rows) == (2 + len(ROWS[model]), 4, 1, 8, 8)
    splits = datasets.load(trained.trial.data)
    clean = splits.test.x[:4].double() / splits.scale
    assert np.array_equal(drawing.rows[0].reshape(4, 64), (clean * 255).round().to(torch.uint8))
    assert set(drawing.loss) == set(drawing.captions) - {"clean"}
    assert all(np.isfinite(value) for value in drawing.loss.values())


def test_the_noise_has_the_level_that_was_asked_for() -> None:
    trained = load_trained(trained_sweep().storage, id_of("deen"))
    loss = draw_denoised(trained, "gaussian:0.5", 300, 0).loss["noisy"]
    assert loss == pytest.approx(64 * 0.25, rel=0.05)


def test_the_picture_is_kept_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    trial = id_of("sigma_vae")
    code, out, _ = command(capsys, "denoise", trial, "--noise", "gaussian:0.9", "--json")
    told = json.loads(out)
    path = Path(told["picture"])
    assert (code, path.name) == (0, "denoise-gaussian-0.9-10-seed0.png")
    with Image.open(path) as picture:
        assert picture.size == (10 * 68, 4 * (18 + 68) + 18), "a caption a row, and a scale"
    assert path.name in pictures_of(told["runs"][0])


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ("gausian:0.9", "unknown noise 'gausian'; did you mean 'gaussian'?"),
        ("learnable_gaussian:0.1", "unknown noise 'learnable_gaussian'"),
        ("gaussian", "the noise 'gaussian' cannot be made: it needs a level; write gaussian:0.1"),
        ("gaussian:-1", "GaussianNoise.sigma must be greater than 0, not -1.0"),
        ("salt_and_pepper:1.5", "SaltAndPepper.p must be from 0 to 1, not 1.5"),
    ],
)
def test_noises_that_mean_nothing_are_refused(noise: str, message: str) -> None:
    trained = load_trained(trained_sweep().storage, id_of("sigma_vae"))
    with pytest.raises(UserError) as caught:
        draw_denoised(trained, noise, 2, 0)
    assert message in str(caught.value)


def test_pixel_noise_on_unbounded_data_is_refused() -> None:
    trained = load_trained(trained_sweep().storage, id_of("sigma_vae", data="linear_gaussian"))
    with pytest.raises(UserError, match=r"salt_and_pepper noise is for data in .* use gaussian"):
        draw_denoised(trained, "salt_and_pepper:0.1", 2, 0)
