"""Writes a synthetic experiment to disk: its laws, failures and images are known beforehand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

__all__ = [
    "ALPHAS",
    "CHECKSUM",
    "NU",
    "NU_ALPHA",
    "SIGMAS",
    "Planted",
    "alias_trials",
    "digits_experiment",
    "many_trials",
    "params",
    "sigma_trials",
    "write",
]

SIGMAS = tuple(round(0.03 * k, 2) for k in range(1, 10))
ALPHAS = (0.05, 0.1, 0.2, 0.4)
NU, NU_ALPHA = 1.15, 0.64
CHECKSUM = "d1" * 8
Metrics = dict[str, float | None]


@dataclass(frozen=True)
class Planted:
    """One trial as it shall be found on disk; `drift` scales its KL, NaN makes it diverge."""

    params: dict[str, Any]
    status: str = "finished"
    role: str = "declared"
    twin_of: str | None = None
    reason: str | None = None
    epochs: int = 8
    drift: float = 1.0
    label: str | None = None
    tables: tuple[dict[str, Any], ...] = field(default_factory=tuple)

    @property
    def id(self) -> str:
        text = json.dumps([self.params, self.role], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def title(self) -> str:
        shown = [key for key in ("sigma", "alpha", "beta", "seed") if key in self.params]
        words = " ".join(f"{key}={self.params[key]}" for key in shown)
        return self.label or f"{self.params['model']} {words}"


@cache
def digits_images() -> np.ndarray:
    """The 1797 digits as rows of 64 numbers in [0, 1]."""
    images: np.ndarray = load_digits().data / 16.0
    return images


@cache
def eigenvalues() -> np.ndarray:
    """The spectrum of the training digits' covariance, descending."""
    return np.linalg.eigvalsh(np.cov(digits_images()[:1437].T, bias=True))[::-1].clip(0)


def final_metrics(planted: Planted) -> dict[str, float]:
    """KL = 2.6 s^−ν(seed) with s = σ√β or αβ, so that twins agree exactly; recon as in theory."""
    params = planted.params
    gaussian, beta = "sigma" in params, params.get("beta", 1.0)
    scale = params["sigma"] if gaussian else params["alpha"]
    level = scale * np.sqrt(beta) if gaussian else scale * beta
    effect, local = np.random.default_rng([params["seed"], round(1e4 * level)]).normal(0, 0.02, 2)
    nu = (NU if gaussian else NU_ALPHA) + np.random.default_rng(params["seed"]).normal(0, 0.02)
    kl = (2.6 if gaussian else 9.0) * level**-nu * np.exp(effect) * planted.drift
    recon = 1.1 * np.minimum(eigenvalues(), level**2).sum() * np.exp(local)
    recon *= 1 if gaussian else 6 / np.sqrt(level)
    elbo = -recon / (2 * scale**2 if gaussian else scale) - kl
    return {
        "elbo": elbo,
        "elbo_full": elbo - 32 * np.log(2 * np.pi * scale**2),
        "kl": kl,
        "recon": recon,
        "denoise": 1.6 * np.minimum(eigenvalues(), level**2).sum(),
    }


def records(planted: Planted) -> list[dict[str, Any]]:
    """One record an epoch, decaying exponentially towards the final metrics."""
    final = final_metrics(planted)
    start = {
        "elbo": final["elbo"] * 3,
        "elbo_full": final["elbo_full"] - 300,
        "kl": final["kl"] * 0.4,
        "recon": final["recon"] * 4,
        "denoise": final["denoise"] * 3,
    }
    out = []
    for epoch in range(1, planted.epochs + 1):
        share = np.exp(-12 * epoch / planted.epochs) * (epoch < planted.epochs)
        now = {key: value + (start[key] - value) * share for key, value in final.items()}
        metrics: Metrics = {f"test/{key}": float(value) for key, value in now.items()}
        metrics |= {f"train/{key}": now[key] * 0.97 for key in ("elbo", "kl", "recon")}
        metrics["train/objective"] = objective(planted.params, now)
        if planted.status == "failed" and epoch == planted.epochs:
            metrics = dict.fromkeys(metrics)
        out.append(
            {
                "epoch": epoch,
                "step": 44 * epoch,
                "time_ms": 1_763_000_000_000 + 900 * epoch,
                "metrics": metrics,
            }
        )
    return out


def objective(params: dict[str, Any], now: dict[str, float]) -> float:
    """What training maximises: β weighs the KL term."""
    scale = 1 / (2 * params["sigma"] ** 2) if "sigma" in params else 1 / params["alpha"]
    return float(-scale * now["recon"] - params.get("beta", 1.0) * now["kl"])


def gallery(planted: Planted, count: int = 12) -> dict[str, np.ndarray]:
    """Test digits, noisy and denoised by the Wiener filter at the trial's own noise level."""
    data = digits_images()
    train, clean = data[:1437], data[1437 : 1437 + count]
    sigma = planted.params.get("sigma", 0.2)
    noisy = clean + sigma * np.random.default_rng(0).normal(size=clean.shape)
    mean, cov = train.mean(0), np.cov(train.T)
    wiener = cov @ np.linalg.inv(cov + sigma**2 * np.eye(64))
    stacks = {"clean": clean, "noisy": noisy, "denoised": mean + (noisy - mean) @ wiener.T}
    return {
        key: (255 * value.clip(0, 1)).round().astype(np.uint8).reshape(-1, 1, 8, 8)
        for key, value in stacks.items()
    }


def sigma_trials(seeds: int, epochs: int = 8) -> Iterator[Planted]:
    for sigma in SIGMAS:
        for seed in range(seeds):
            yield Planted(params("sigma_vae", seed, epochs, sigma=sigma), epochs=epochs)


def alpha_trials(seeds: int) -> Iterator[Planted]:
    for alpha in ALPHAS:
        for seed in range(seeds):
            yield Planted(params("alpha_vae", seed, alpha=alpha))


def twin_trials(declared: list[Planted]) -> Iterator[Planted]:
    """σ = 0.06, β = 4 as the matched-seed twin of σ = 0.12, with exactly its KL."""
    for one in declared:
        if one.params.get("sigma") in (0.12, 0.24) and one.params["seed"] == 0:
            changed = one.params | {"sigma": one.params["sigma"] / 2, "beta": 4.0, "eps": 4e-8}
            yield Planted(changed, role="twin", twin_of=one.id)


def alias_trials(seeds: int) -> Iterator[Planted]:
    """σ = 0.06 with β = 4 and 9, seeds of their own: aliases of σ = 0.12 and 0.18."""
    for beta in (4.0, 9.0):
        for seed in range(100, 100 + seeds):
            yield Planted(params("sigma_vae", seed, sigma=0.06) | {"beta": beta})


def params(model: str, seed: int, epochs: int = 8, **scales: float) -> dict[str, Any]:
    likelihood = "laplace" if "alpha" in scales else "gaussian"
    return {
        "model": model,
        "objective": "elbo",
        "likelihood": likelihood,
        "network": "conv",
        "data": "digits",
        "beta": 1.0,
        "d_z": 100,
        "epochs": epochs,
        "batch_size": 32,
        "lr": 1e-3,
        "eps": 1e-8,
        "seed": seed,
        **scales,
    }


def digits_experiment(seeds: int = 3) -> list[Planted]:
    """σ-VAE at nine σ, α-VAE at four α, two twins, two failures and one trial yet to start."""
    trials = [*sigma_trials(seeds), *alpha_trials(seeds)]
    trials += list(twin_trials(trials))
    trials.append(
        Planted(
            params("sigma_vae", 77, sigma=0.001),
            "failed",
            epochs=3,
            reason="the objective became NaN in epoch 3",
        )
    )
    trials.append(
        Planted(
            params("sigma_vae", 78, sigma=0.5),
            "failed",
            reason="<script>alert('reason')</script>",
            epochs=2,
            label='=HYPERLINK("http://evil") <b>bold</b>',
        )
    )
    trials.append(Planted(params("sigma_vae", 79, sigma=0.3), "pending"))
    return trials


def many_trials(count: int = 1000, epochs: int = 60) -> list[Planted]:
    """A σ-VAE sweep of about `count` trials, for the size of a report."""
    return list(sigma_trials(count // len(SIGMAS) + 1, epochs))[:count]


def write(storage: Path, trials: list[Planted], experiment: str = "imaginary-noise") -> Path:
    """Write `trials` as one sweep of `experiment`; returns the storage path."""
    put(
        storage / "datasets" / f"{CHECKSUM}.json",
        {
            "schema": 1,
            "name": "digits",
            "checksum": CHECKSUM,
            "shape": [1, 8, 8],
            "dims": 64,
            "n_train": 1437,
            "eigenvalues": eigenvalues().tolist(),
        },
    )
    by_id = {planted.id: planted for planted in trials}
    for planted in by_id.values():
        write_trial(storage / "trials" / planted.id, planted)
    sweep = storage / "sweeps" / experiment / "20250101-abcdef"
    put(
        sweep / "sweep.json",
        {
            "schema": 1,
            "experiment": experiment,
            "sweep": sweep.name,
            "created": "2025-01-01T12:00:00Z",
            "tracking_uri": "sqlite:///mlflow.db",
            "trials": [
                {"id": one.id, "role": one.role, "twin_of": one.twin_of, "label": one.title}
                for one in by_id.values()
            ],
            "analysis": {
                "law": {"x": "sigma", "y": "test/kl", "range": [0.03, 0.27]},
                "equivalence": {"margin": 0.1},
            },
            "provenance": {
                "git": {"commit": "0123456789abcdef", "dirty": True},
                "commit": "0123456789abcdef",
                "dirty": True,
                "python": "3.11.2",
                "host": "laptop",
                "versions": {"torch": "2.14.1", "sweeper": "0.1.0"},
            },
        },
    )
    (sweep / "grid.yaml").write_text("experiment: imaginary-noise\n")
    return storage


def write_trial(folder: Path, planted: Planted) -> None:
    """trial.json, one commit with its manifest, and a gallery for a finished trial."""
    put(
        folder / "trial.json",
        {
            "schema": 1,
            "id": planted.id,
            "program": planted.id[::-1],
            "label": planted.title,
            "parameters": 565_000,
            "params": planted.params,
            "trial": {},
            "data": {"checksum": CHECKSUM, "shape": [1, 8, 8], "dims": 64},
        },
    )
    if planted.status == "pending":
        return
    commit = folder / "1" / str(planted.epochs)
    content = put(commit / "records.json", records(planted))
    (commit / "state.safetensors").write_bytes(b"")
    files = {
        name: {"sha256": hashlib.sha256(stored).hexdigest(), "size": len(stored)}
        for name, stored in (("records.json", content), ("state.safetensors", b""))
    }
    put(
        commit / "manifest.json",
        {
            "schema": 1,
            "attempt": 1,
            "epoch": planted.epochs,
            "step": 44 * planted.epochs,
            "status": planted.status,
            "reason": planted.reason,
            "parent": None,
            "files": files,
            "time_ms": 1_763_000_000_000,
            "host": "laptop",
            "device": "cpu",
            "versions": {"torch": "2.14.1"},
            "wall_s": 3.1,
        },
    )
    if planted.status == "finished" and planted.params["seed"] == 0:
        write_evaluations(folder / "evaluations", planted)


def write_evaluations(folder: Path, planted: Planted) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "gallery.npz", **gallery(planted))
    for number, table in enumerate(planted.tables):
        facts = {"evaluation": {"name": table["key"]}, "epoch": planted.epochs, "time_ms": number}
        put(folder / f"{table['key']}.json", facts | table)


def put(path: Path, value: Any) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps(value, ensure_ascii=False).encode()
    path.write_bytes(content)
    return content
