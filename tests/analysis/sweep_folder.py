"""A storage folder in the documented layout, with planted numbers, for tests."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class SweepFolder:
    """Writes trials, commits, sweeps and data sets below `root`."""

    root: Path
    experiment: str = "demo"
    entries: list[dict[str, Any]] = field(default_factory=list)

    def trial(
        self, name: str, params: dict[str, Any], role: str = "declared", twin_of: str | None = None
    ) -> Path:
        folder = self.root / "trials" / name
        folder.mkdir(parents=True, exist_ok=True)
        label = f"{params.get('model')} {name}"
        dump(
            folder / "trial.json",
            {
                "schema": 1,
                "id": name,
                "program": f"p{name}",
                "label": label,
                "parameters": 100,
                "params": params,
                "trial": {},
                "data": {"checksum": "c0ffee", "shape": [1, 8, 8], "dims": 64},
            },
        )
        self.entries.append({"id": name, "role": role, "twin_of": twin_of, "label": label})
        return folder

    def commit(
        self,
        name: str,
        epoch: int,
        metrics: dict[str, float | None],
        attempt: int = 1,
        status: str = "finished",
    ) -> Path:
        """All records up to `epoch`: metrics fall linearly to their final values."""
        folder = self.root / "trials" / name / str(attempt) / str(epoch)
        folder.mkdir(parents=True, exist_ok=True)
        records = [
            {
                "epoch": e,
                "step": 44 * e,
                "time_ms": 1_763_000_000_000 + e,
                "metrics": {k: None if v is None else v + (epoch - e) for k, v in metrics.items()},
            }
            for e in range(1, epoch + 1)
        ]
        dump(folder / "records.json", records)
        (folder / "state.safetensors").write_bytes(b"")
        dump(
            folder / "manifest.json",
            {
                "schema": 1,
                "attempt": attempt,
                "epoch": epoch,
                "step": 44 * epoch,
                "status": status,
                "reason": None,
                "parent": None,
                "files": {
                    name: described(folder / name)
                    for name in ("records.json", "state.safetensors")
                },
                "time_ms": 1,
                "host": "h",
                "device": "cpu",
                "versions": {},
                "wall_s": 3.0 + epoch,
            },
        )
        return folder

    def evaluation(self, name: str, key: str, content: dict[str, Any]) -> None:
        folder = self.root / "trials" / name / "evaluations"
        folder.mkdir(exist_ok=True)
        dump(
            folder / f"{key}.json",
            {
                "schema": 1,
                "key": key,
                "evaluation": {"name": key},
                "epoch": 0,
                "time_ms": 0,
                "table": [],
                **content,
            },
        )

    def sweep(
        self,
        name: str = "s1",
        created: str = "2026-01-01T00:00:00+00:00",
        analysis: dict[str, Any] | None = None,
    ) -> None:
        folder = self.root / "sweeps" / self.experiment / name
        folder.mkdir(parents=True, exist_ok=True)
        dump(
            folder / "sweep.json",
            {
                "schema": 1,
                "experiment": self.experiment,
                "sweep": name,
                "created": created,
                "tracking_uri": "sqlite:///mlflow.db",
                "trials": self.entries,
                "analysis": analysis or {},
                "provenance": {},
            },
        )

    def dataset(self) -> None:
        folder = self.root / "datasets"
        folder.mkdir(parents=True, exist_ok=True)
        dump(
            folder / "c0ffee.json",
            {
                "schema": 1,
                "name": "digits",
                "checksum": "c0ffee",
                "shape": [1, 8, 8],
                "dims": 64,
                "n_train": 1437,
                "eigenvalues": list(np.linspace(0.5, 0.01, 64)),
            },
        )


def described(path: Path) -> dict[str, Any]:
    """Size and SHA-256 of a file, as a manifest states them."""
    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def dump(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))


def planted(root: Path, seeds: int = 3, nu: float = 1.2) -> SweepFolder:
    """A finished sweep of sigma_vae at five σ with a planted law, no noise."""
    folder = SweepFolder(root)
    for seed in range(1, seeds + 1):
        for sigma in (0.05, 0.1, 0.15, 0.2, 0.25):
            name = f"{seed:02d}{int(sigma * 100):02d}".ljust(16, "0")
            folder.trial(
                name,
                {
                    "model": "sigma_vae",
                    "network": "conv",
                    "data": "digits",
                    "sigma": sigma,
                    "beta": 1.0,
                    "d_z": 100,
                    "epochs": 3,
                    "seed": seed,
                },
            )
            kl = 2.0 * sigma**-nu * (1 + 0.01 * seed)
            folder.commit(
                name,
                3,
                {
                    "train/kl": kl,
                    "test/kl": kl,
                    "test/recon": 40 * sigma**2,
                    "test/elbo": -kl - 20.0,
                },
            )
    folder.dataset()
    folder.sweep()
    return folder


def aliases(root: Path, seeds: int = 12) -> SweepFolder:
    """A finished sweep of sigma_vae in which (σ, β) is exactly σ√β but for the seeds' scatter."""
    folder, rng = SweepFolder(root), np.random.default_rng(5)
    points = [(0.05, 1.0), (0.1, 1.0), (0.15, 1.0), (0.2, 1.0), (0.05, 4.0), (0.1, 4.0)]
    for seed in range(1, seeds + 1):
        for sigma, beta in points:
            name = f"{seed:02d}{int(sigma * 100):02d}{int(beta)}".ljust(16, "0")
            params = {"model": "sigma_vae", "network": "conv", "data": "digits", "d_z": 100}
            folder.trial(name, {**params, "sigma": sigma, "beta": beta, "epochs": 3, "seed": seed})
            noise, level = np.exp(0.02 * rng.standard_normal(2)), sigma * beta**0.5
            found = {"test/kl": 2.0 / level * noise[0], "test/recon": 40 * level**2 * noise[1]}
            folder.commit(name, 3, found)
    folder.sweep()
    return folder
