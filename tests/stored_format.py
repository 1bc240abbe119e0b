"""A storage folder of format 1, written as text: what later versions must go on reading.

The product's own writers are not used, so that a change of the format fails a test. The trials
are those that `GRID` means, with their ids.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

__all__ = ["GRID", "IDS", "KL", "edit", "seal", "write_commit", "write_store"]

GRID = """\
experiment: stored
data: {name: digits}
defaults: {network: linear, d_z: 2, epochs: 2, batch_size: 256, lr: 1e-2}
seeds: 1
trials: [{model: sigma_vae, sigma: [0.1, 0.2, 0.3]}]
analysis: {law: {x: sigma, y: test/kl, range: [0.1, 0.3]}}
"""
IDS = {0.1: "0d28298d88d5816a", 0.2: "832c40d6b1b15e70", 0.3: "09a2a9d420614830"}
KL = {0.1: 8.0, 0.2: 4.0, 0.3: 2.0}

SWEEP = """\
{"schema": 1, "experiment": "stored", "sweep": "grid-689fab00",
 "created": "2026-01-02T03:04:05+00:00", "tracking_uri": "sqlite:///mlflow.db",
 "trials": [
  {"id": "0d28298d88d5816a", "role": "declared", "twin_of": null,
   "label": "sigma_vae σ=0.1 seed=0", "line": 5},
  {"id": "832c40d6b1b15e70", "role": "declared", "twin_of": null,
   "label": "sigma_vae σ=0.2 seed=0", "line": 5},
  {"id": "09a2a9d420614830", "role": "declared", "twin_of": null,
   "label": "sigma_vae σ=0.3 seed=0", "line": 5}],
 "analysis": {"law": {"x": "sigma", "y": "test/kl", "range": [0.1, 0.3]},
  "equivalence": {"margin": 0.1}},
 "provenance": {"git_commit": null, "git_dirty": null, "versions": {"sweeper": "0.1.0"},
  "host": "laptop", "python": "3.11.7"}}
"""
TRIAL = """\
{"schema": 1, "id": "ID", "program": "pID", "label": "sigma_vae σ=SIGMA seed=0",
 "parameters": 324,
 "params": {"model": "sigma_vae", "objective": "elbo", "beta": 1.0, "k": 1, "m": 1,
  "likelihood": "gaussian", "sigma": SIGMA, "network": "linear", "d_z": 2, "data": "digits",
  "epochs": 2, "batch_size": 256, "lr": 0.01, "eps": 1e-08, "precision": "float32", "seed": 0},
 "trial": {"objective": {"name": "elbo", "beta": 1.0, "k": 1, "m": 1},
  "likelihood": {"name": "gaussian", "sigma": SIGMA}, "network": {"name": "linear", "d_z": 2},
  "corruption": null, "data": {"name": "digits"},
  "training": {"epochs": 2, "batch_size": 256, "lr": 0.01, "eps": 1e-08,
   "precision": "float32", "test_every": 1, "checkpoint_every": 5, "extendable": false},
  "corrupts": null, "seed": 0},
 "data": {"checksum": "f1f60a866b92627d", "shape": [1, 8, 8], "dims": 64}}
"""
RECORD = """\
{"epoch": EPOCH, "step": STEP, "time_ms": 170000000000EPOCH, "metrics": {"train/kl": 0.5,
 "test/elbo": -20.5, "test/kl": KL, "test/recon": 3, "test/denoise": null}}"""
MANIFEST = """\
{"schema": 1, "attempt": ATTEMPT, "epoch": EPOCH, "step": STEP, "status": "STATUS",
 "reason": null, "wall_s": 0.5, "kind": null, "parent": null, "time_ms": 1700000000009,
 "files": {"state.safetensors": {"size": 5, "sha256": "STATE"},
  "records.json": {"size": SIZE, "sha256": "RECORDS"}},
 "git_commit": null, "git_dirty": null, "versions": {"sweeper": "0.1.0"}, "host": "laptop",
 "python": "3.11.7", "device": "cpu", "pid": 1}
"""
EVALUATION = """\
{"schema": 1, "key": "nll-0123456789", "evaluation": {"name": "nll", "k": 5}, "epoch": 2,
 "time_ms": 1700000000010, "metrics": {"nll": 12.5, "nll/se": null}, "pictures_size": 8,
 "table": [{"k": 5, "nll": 12.5}]}
"""
DATASET = """\
{"schema": 1, "name": "digits", "checksum": "f1f60a866b92627d", "shape": [1, 8, 8], "dims": 64,
 "n_train": 1437, "eigenvalues": [0.5, 0.25]}
"""


def write_store(storage: Path) -> Path:
    """Three finished trials of one sweep, one of them with an evaluation; returns `storage`."""
    sweep = storage / "sweeps" / "stored" / "grid-689fab00"
    _put(sweep / "sweep.json", SWEEP)
    _put(sweep / "grid.yaml", GRID)
    _put(storage / "datasets" / "f1f60a866b92627d.json", DATASET)
    for sigma, name in IDS.items():
        folder = storage / "trials" / name
        _put(folder / "trial.json", TRIAL.replace("ID", name).replace("SIGMA", str(sigma)))
        write_commit(folder / "0001" / "000001", "running", KL[sigma])
        write_commit(folder / "0001" / "000002", "finished", KL[sigma])
    _put(storage / "trials" / IDS[0.1] / "evaluations" / "nll-0123456789.json", EVALUATION)
    _put(storage / "trials" / IDS[0.1] / "evaluations" / "nll-0123456789.npz", "pictures")
    return storage


def write_commit(folder: Path, status: str, kl: float) -> Path:
    """A commit whose attempt and epoch are those of its folder; returns the folder."""
    attempt, last = int(folder.parent.name), int(folder.name)
    records = [
        _filled(RECORD, EPOCH=epoch, STEP=5 * epoch, KL=kl + last - epoch)
        for epoch in range(1, last + 1)
    ]
    _put(folder / "state.safetensors", "state")
    _put(folder / "records.json", f"[{', '.join(records)}]")
    place = {"ATTEMPT": attempt, "EPOCH": last, "STEP": 5 * last, "STATUS": status}
    files = {
        "STATE": _sha256(folder / "state.safetensors"),
        "SIZE": (folder / "records.json").stat().st_size,
        "RECORDS": _sha256(folder / "records.json"),
    }
    _put(folder / "manifest.json", _filled(MANIFEST, **files, **place))
    return folder


def edit(path: Path, **changes: Any) -> None:
    """Change fields of a JSON file; one that is set to `...` is taken away."""
    row = json.loads(path.read_text()) | changes
    kept = {name: value for name, value in row.items() if value is not ...}
    path.write_text(json.dumps(kept))


def seal(commit: Path) -> None:
    """Have the manifest state the size and hash that the records now have."""
    records, manifest = commit / "records.json", commit / "manifest.json"
    files = json.loads(manifest.read_text())["files"]
    files["records.json"] = {"size": records.stat().st_size, "sha256": _sha256(records)}
    edit(manifest, files=files)


def _filled(text: str, **values: Any) -> str:
    for name, value in values.items():
        text = text.replace(name, str(value))
    return text


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
