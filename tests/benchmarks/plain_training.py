"""A σ-VAE trained as the documentation of PyTorch teaches it; nothing is slowed down on purpose.

A DataLoader over tensors in memory, `torch.optim.Adam`, and after each epoch the metrics of train
and test data that a sweep of ours records. The models are those of `trainers`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.benchmarks.cases import Case

__all__ = ["train"]

Report = Callable[[Mapping[str, float], int], object]


def train(case: Case, sigma: float, epochs: int, report: Report) -> None:
    """Train one trial; `report` gets the metrics of each epoch, counted from 1."""
    torch.manual_seed(1)
    train_data, test_data = (TensorDataset(part) for part in images(case))
    batches = DataLoader(train_data, batch_size=case.batch_size, shuffle=True, drop_last=True)
    held_out = DataLoader(test_data, batch_size=500)
    encoder, decoder = modules(case)
    model = nn.ModuleList([*encoder, decoder])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def terms(batch: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        mu, s = encoder[0](seen), encoder[1](seen)
        xhat = decoder(mu + torch.exp(0.5 * s) * torch.randn_like(mu))
        return (
            (batch - xhat).square().sum(1).mean(),
            0.5 * (mu.square() + s.exp() - 1 - s).sum(1).mean(),
        )

    for epoch in range(1, epochs + 1):
        sums = {"train/recon": 0.0, "train/kl": 0.0}
        for (batch,) in batches:
            recon, kl = terms(batch, batch)
            loss = recon / (2 * sigma**2) + kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums["train/recon"] += recon.item() / len(batches)
            sums["train/kl"] += kl.item() / len(batches)
        tests = {"test/recon": 0.0, "test/kl": 0.0, "test/denoise": 0.0}
        with torch.no_grad():
            for (batch,) in held_out:
                recon, kl = terms(batch, batch)
                noisy, _ = terms(batch, batch + sigma * torch.randn_like(batch))
                for name, value in zip(tests, (recon, kl, noisy), strict=True):
                    tests[name] += value.item() * len(batch) / len(test_data)
        elbos = {
            f"{part}/elbo": -values[f"{part}/recon"] / (2 * sigma**2) - values[f"{part}/kl"]
            for part, values in (("train", sums), ("test", tests))
        }
        report({**sums, **tests, **elbos}, epoch)


def images(case: Case) -> tuple[Tensor, Tensor]:
    """Training and test images as flat rows in [0, 1]."""
    if case.data == "digits":
        from sklearn.datasets import load_digits

        x = torch.tensor(load_digits().data / 16, dtype=torch.float32)
        held_out = torch.arange(len(x)) % 5 == 0
        return x[~held_out], x[held_out]
    from torchvision.datasets.mnist import read_image_file

    raw = Path(os.environ["SWEEPER_DATA"]) / "MNIST" / "raw"
    train, test = (
        read_image_file(str(raw / f"{part}-images-idx3-ubyte")).flatten(1).float() / 255
        for part in ("train", "t10k")
    )
    return train[: case.limit or None], test


def modules(case: Case) -> tuple[list[nn.Module], nn.Module]:
    """Mean and log-variance of the encoder, and the decoder, of a case."""
    side, dims = (8, 64) if case.data == "digits" else (28, 784)
    decoder = nn.Sequential(
        nn.Linear(case.d_z, case.hidden), nn.SiLU(), nn.Linear(case.hidden, dims), nn.Sigmoid()
    )
    if case.channels:
        return [convnet(case, side) for _ in "ms"], decoder
    shared = nn.Sequential(nn.Linear(dims, case.hidden), nn.SiLU())
    return [nn.Sequential(shared, nn.Linear(case.hidden, case.d_z)) for _ in "ms"], decoder


def convnet(case: Case, side: int) -> nn.Module:
    """3x3 kernels without padding, one hidden layer of 200 units."""
    layers: list[Any] = [nn.Unflatten(1, (1, side, side))]
    for depth, wider in zip((1, *case.channels), case.channels, strict=False):
        layers += [nn.Conv2d(depth, wider, 3), nn.SiLU()]
    left = (side - 2 * len(case.channels)) ** 2 * case.channels[-1]
    layers += [nn.Flatten(), nn.Linear(left, 200), nn.SiLU(), nn.Linear(200, case.d_z)]
    return nn.Sequential(*layers)
