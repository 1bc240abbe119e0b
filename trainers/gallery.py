"""A few test examples, their noisy versions, and what a model makes of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainers import datasets
from trainers.model import Model
from trainers.networks import image_shape
from trainers.noise import Draw, Streams
from trainers.objectives import Objective
from trainers.trial import Trial

__all__ = ["gallery"]

Pictures = dict[str, npt.NDArray[np.uint8]]


@torch.no_grad()
def gallery(trial: Trial, objective: Objective, model: Model, count: int = 10) -> Pictures:
    """``clean``, ``noisy`` and ``denoised``: uint8 pictures of shape (count, C, H, W).

    The noise is the one that the decoder imagines (Saremi 2020, Def. 1); values are clipped to
    the data's range. Empty for data that are no images.
    """
    if len(trial.data.shape) != 3 or trial.data.value_range is None:
        return {}
    splits = datasets.load(trial.data)
    device = next(iter(model.params.values())).device
    x = splits.test.x[:count].to(device, trial.training.dtype) / splits.scale
    streams = Streams(trial.seed, 0, device)
    draws = objective.test_draws(model, len(x))
    noise = {name: streams.draw(draw, x.dtype) for name, draw in draws.items()}
    y = model.observation.imagined()(x, noise["noise"])
    latent = streams.draw(Draw("evaluation", (len(x), model.d_z)), x.dtype)
    xhat = objective.denoise(model, y, {"latent": latent})
    return {name: _pictures(values, trial) for name, values in
            {"clean": x, "noisy": y, "denoised": xhat}.items()}


def _pictures(values: Tensor, trial: Trial) -> npt.NDArray[np.uint8]:
    low, high = trial.data.value_range or (0.0, 1.0)
    grey = ((values - low) / (high - low)).clamp(0, 1).mul(255).round().to(torch.uint8)
    return grey.unflatten(-1, image_shape(trial.data.shape)).cpu().numpy()
