"""A law is post hoc by what it is fitted to, whichever options said so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analysis.sources import load
from sweeper.commands.asked_law import law_of
from tests.analysis.sweep_folder import SweepFolder

DECLARED = {"x": "sigma", "y": "test/kl", "range": [0.1, 0.4], "where": {"model": "sigma_vae"}}
RANGE, ROWS = "the range was chosen after the run", "the rows were chosen after the run"
ASKED = " was asked for after the run"


def storage(folder: Path, law: dict[str, Any] | None) -> Path:
    """σ-VAEs of two d_z at five σ, the last beyond the declared range, and one α-VAE."""
    written = SweepFolder(folder)
    rows = [
        ({"model": "sigma_vae", "sigma": sigma, "d_z": d_z}, sigma)
        for d_z in (2, 4)
        for sigma in (0.1, 0.2, 0.3, 0.4, 0.8)
    ]
    rows += [({"model": "alpha_vae", "alpha": a, "d_z": 2}, a) for a in (0.1, 0.2, 0.4)]
    for number, (params, level) in enumerate(rows):
        for seed in (0, 1):
            name = f"t{number}s{seed}"
            written.trial(name, {**params, "beta": 1.0, "seed": seed})
            written.commit(name, 1, {"test/kl": (1 + seed / 9) / level, "test/recon": 2 * level})
    written.sweep(analysis={"law": law} if law else None)
    return folder


@pytest.mark.parametrize(
    ("law", "asked", "said"),
    [
        (DECLARED, {}, ""),
        (DECLARED, {"x": "sigma"}, ""),
        (DECLARED, {"x": "sigma", "y": "test/kl", "ends": (0.1, 0.4)}, ""),
        (DECLARED, {"ends": (0.09, 0.5)}, ""),
        (DECLARED, {"where": {"model": "sigma_vae"}}, ""),
        (DECLARED, {"where": {"d_z": 2}}, ""),
        (DECLARED, {"where": {"seed": [0, 1]}}, ""),
        (DECLARED, {"where": {"model": "alpha_vae"}}, ""),
        (DECLARED, {"x": "alpha"}, ""),
        (DECLARED, {"ends": (0.1, 0.3)}, RANGE),
        (DECLARED, {"x": "sigma", "ends": (0.1, 0.8)}, RANGE),
        (DECLARED, {"where": {"seed": 0}}, ROWS),
        (DECLARED, {"ends": (0.2, 0.4), "where": {"seed": 1}}, f"{RANGE}; {ROWS}"),
        (DECLARED, {"y": "test/recon"}, f"test/recon against sigma{ASKED}"),
        (DECLARED, {"x": "d_z"}, f"test/kl against d_z{ASKED}"),
        (None, {}, ""),
        (None, {"x": "sigma", "ends": (0.1, 0.8)}, ""),
        (None, {"ends": (0.1, 0.4)}, RANGE),
        (None, {"where": {"d_z": 4}}, ""),
        (None, {"where": {"d_z": 4, "sigma": [0.1, 0.2, 0.3]}}, ROWS),
        ({**DECLARED, "y": "test/recon"}, {"y": "test/kl"}, f"test/kl against sigma{ASKED}"),
        (
            {**DECLARED, "y": "test/recon"},
            {"where": {"model": "alpha_vae"}},
            f"test/recon against alpha{ASKED}",
        ),
    ],
)
def test_what_is_fitted_decides_whether_it_was_declared(
    law: dict[str, Any] | None, asked: dict[str, Any], said: str, tmp_path: Path
) -> None:
    found = load.from_storage(storage(tmp_path, law), "demo")
    options = {"x": None, "y": None, "ends": None, "where": {}} | asked
    assert law_of(found, **options).post_hoc == said
