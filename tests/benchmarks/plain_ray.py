"""Nine σ-VAE trials as the documentation of Ray Tune and MLflow teaches it: the baseline.

A function trainable, a DataLoader, `torch.optim.Adam`, one `tune.report` an epoch, and
`MLflowLoggerCallback` on a SQLite store. The model, the data and the metrics are those of the
shipped grid; nothing is slowed down on purpose.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

SIGMAS = (0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.21, 0.24, 0.27)


def train_vae(config: dict[str, Any]) -> None:
    """One trial."""
    import torch
    from ray import tune
    from sklearn.datasets import load_digits
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(config["seed"])
    x = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    held_out = torch.arange(len(x)) % 5 == 0
    train_loader = DataLoader(
        TensorDataset(x[~held_out]), batch_size=32, shuffle=True, drop_last=True
    )
    test_loader = DataLoader(TensorDataset(x[held_out]), batch_size=32)
    trunk = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3),
        nn.SiLU(),
        nn.Conv2d(16, 32, 3),
        nn.SiLU(),
        nn.Conv2d(32, 64, 3),
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(256, 200),
        nn.SiLU(),
    )
    mean, log_var = nn.Linear(200, 100), nn.Linear(200, 100)
    decoder = nn.Sequential(nn.Linear(100, 500), nn.SiLU(), nn.Linear(500, 64), nn.Sigmoid())
    model = nn.ModuleList([trunk, mean, log_var, decoder])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def terms(batch: torch.Tensor, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = trunk(seen)
        mu, s = mean(features), log_var(features)
        xhat = decoder(mu + torch.exp(0.5 * s) * torch.randn_like(mu))
        return (
            (batch - xhat).square().sum(1).mean(),
            0.5 * (mu.square() + s.exp() - 1 - s).sum(1).mean(),
        )

    for _ in range(config["epochs"]):
        sums = {"train/recon": 0.0, "train/kl": 0.0}
        for (batch,) in train_loader:
            recon, kl = terms(batch, batch)
            loss = recon / (2 * config["sigma"] ** 2) + kl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums["train/recon"] += recon.item() / len(train_loader)
            sums["train/kl"] += kl.item() / len(train_loader)
        tests = {"test/recon": 0.0, "test/kl": 0.0, "test/denoise": 0.0}
        with torch.no_grad():
            for (batch,) in test_loader:
                recon, kl = terms(batch, batch)
                noisy, _ = terms(batch, batch + config["sigma"] * torch.randn_like(batch))
                for name, value in zip(tests, (recon, kl, noisy), strict=True):
                    tests[name] += value.item() * len(batch) / int(held_out.sum())
        elbos = {
            f"{part}/elbo": -values[f"{part}/recon"] / (2 * config["sigma"] ** 2)
            - values[f"{part}/kl"]
            for part, values in (("train", sums), ("test", tests))
        }
        tune.report({**sums, **tests, **elbos})


def main() -> None:
    """Run the nine trials in the given folder."""
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    tuner = tune.Tuner(
        tune.with_resources(train_vae, {"cpu": 1}),
        param_space={
            "sigma": tune.grid_search(list(SIGMAS)),
            "seed": 1,
            "epochs": arguments.epochs,
        },
        run_config=tune.RunConfig(
            name="plain",
            storage_path=str(folder),
            callbacks=[
                MLflowLoggerCallback(
                    tracking_uri=f"sqlite:///{folder}/mlflow.db",
                    experiment_name="plain",
                    save_artifact=True,
                )
            ],
        ),
    )
    results = tuner.fit()
    assert not results.errors


if __name__ == "__main__":
    main()
