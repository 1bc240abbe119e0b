"""A few test examples, their noisy versions, and a model's denoised estimates of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainers import datasets
from trainers.arithmetic import arithmetic_of
from trainers.datasets import Split
from trainers.model import Model
from trainers.networks import image_shape
from trainers.noise import Draw, Streams
from trainers.objectives import Objective
from trainers.trial import Trial

__all__ = ["gallery", "pictures"]

Pictures = dict[str, npt.NDArray[np.uint8]]


@torch.no_grad()
def gallery(trial: Trial, objective: Objective, model: Model, count: int = 10) -> Pictures:
    """``clean``, ``noisy`` and ``denoised``: uint8 pictures of shape (count, C, H, W).

    Of a generative model also ``reconstructed``, the decoder's mean x̂ at the mean of q(z|x), and
    ``sampled``, that at z ~ N(0, I), the same z for every trial of a seed. The noise is the
    objective's `noise_model`; values are clipped to the data's range. Returns an empty mapping if
    the data are not images.
    """
    if len(trial.data.shape) != 3 or trial.data.value_range is None:
        return {}
    splits = datasets.load(trial.data)
    device = next(iter(model.params.values())).device
    rows = _one_of_each(splits.test, count)
    x = splits.test.x[rows].to(device, trial.training.dtype) / splits.scale
    with arithmetic_of(trial.training, device):
        streams = Streams(trial.seed, 0, device)
        corruption = objective.noise_model(model)
        y = corruption(x, streams.draw(Draw("evaluation", x.shape, corruption.noise), x.dtype))
        noise = {
            name: streams.draw(draw, x.dtype)
            for name, draw in objective.denoise_draws(model, len(x)).items()
        }
        found = {"clean": x, "noisy": y, "denoised": objective.denoise(model, y, noise)}
        if objective.network == "autoencoder" and model.likelihood is not None:
            found["reconstructed"] = model.mean(model.encode(x)[0])
            prior = Draw("evaluation", (count, model.d_z))
            found["sampled"] = model.mean(streams.draw(prior, x.dtype))
    return {name: pictures(values, trial) for name, values in found.items()}


def _one_of_each(split: Split, count: int) -> list[int]:
    """The first example of each class, then others in order, until there are `count`."""
    labels = [] if split.labels is None else split.labels.tolist()
    first = {label: row for row, label in reversed(list(enumerate(labels)))}
    chosen = [first[label] for label in sorted(first)]
    others = [row for row in range(min(len(split), 2 * count)) if row not in chosen]
    return (chosen + others)[:count]


def pictures(values: Tensor, trial: Trial) -> npt.NDArray[np.uint8]:
    """Flat examples in data units as pictures (n, C, H, W), clipped to the data's range."""
    low, high = trial.data.value_range or (0.0, 1.0)
    grey = ((values - low) / (high - low)).clamp(0, 1).mul(255).round().to(torch.uint8)
    return np.asarray(grey.reshape(-1, *image_shape(trial.data.shape)).cpu())
