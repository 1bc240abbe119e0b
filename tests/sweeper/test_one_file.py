"""A new objective is one file, and so is a new likelihood with a noise level of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.sources.load import from_mlflow, from_storage
from analysis.sources.noise import beta_exponents, noise_levels, noise_of
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY

LIKELIHOOD = '''\
"""Decoder of quartic noise."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch

from trainers.corruptions.gaussian_noise import GaussianNoise
from trainers.fields import Component, NoiseScale, Scale, from_checked
from trainers.likelihoods import LIKELIHOODS

SPREAD = math.sqrt(math.gamma(3 / 4) / math.gamma(1 / 4))


@LIKELIHOODS.register("quartic")
@dataclass(frozen=True, kw_only=True)
class Quartic(Component):
    """log p(x|z) = -sum ((x - xhat) / tau)^4, up to a constant: so (tau, beta) is tau beta^1/4."""

    reference: ClassVar[str] = "none"
    outputs: ClassVar[int] = 1
    support: ClassVar[tuple[float, float] | None] = None

    tau: Annotated[Scale, NoiseScale(beta_exponent=0.25)]

    def log_prob(self, x, u, readout):
        return -self.distance(x, self.mean(u, readout)) / self.tau**4

    def constant(self, dims):
        scale = torch.as_tensor(self.tau, dtype=torch.float64)
        return dims * (math.log(2 / math.gamma(1 / 4)) - torch.log(scale))

    def mean(self, u, readout):
        return readout(u.squeeze(-2))

    def distance(self, x, xhat):
        return (x - xhat).pow(4).sum(-1)

    def imagined(self):
        return from_checked(GaussianNoise, sigma=self.tau * SPREAD)
'''

OBJECTIVE = '''\
"""The ELBO with free nats."""

from dataclasses import dataclass, replace
from typing import ClassVar

from trainers.fields import Component, Weight
from trainers.objectives import OBJECTIVES
from trainers.objectives.elbo import Elbo
from trainers.posterior import infer


@OBJECTIVES.register("free_nats")
@dataclass(frozen=True, kw_only=True)
class FreeNats(Component):
    """Maximises E_q log p(x|z) - max(KL, free): the first nats of an example cost nothing."""

    reference: ClassVar[str] = "none"
    network: ClassVar[str] = "autoencoder"
    likelihood: ClassVar[bool] = True
    corrupts: ClassVar[tuple[str, ...]] = ()
    lacks: ClassVar[dict[str, str]] = {"beta": "its KL has the weight 1"}

    free: Weight = 1.0

    def draws(self, model, batch):
        return Elbo().draws(model, batch)

    def loss(self, model, x, noise):
        samples = infer(model, x, noise["latent"])
        kl, log_prob = samples.kl.mean(0), samples.log_prob.mean((0, 1))
        objective = (log_prob - kl.clamp_min(self.free)).mean()
        metrics = {"objective": objective, "elbo": (log_prob - kl).mean(), "kl": kl.mean()}
        return -objective, {**metrics, "recon": samples.recon.mean()}

    def test_draws(self, model, batch):
        return Elbo().test_draws(model, batch)

    def test(self, model, x, noise):
        return Elbo().test(model, x, noise)

    def noise_model(self, model):
        return Elbo().noise_model(model)

    def denoise_draws(self, model, batch):
        return Elbo().denoise_draws(model, batch)

    def denoise(self, model, y, noise=None):
        return Elbo().denoise(model, y, noise)
'''

GRID = """\
experiment: own
data: linear_gaussian
defaults: {network: linear, d_z: 2, epochs: 2, batch_size: 128}
seeds: 2
trials:
  - {objective: elbo, likelihood: quartic, tau: [0.3, 0.6, 0.9]}
  - {objective: elbo, likelihood: quartic, tau: 0.3, beta: 16, aliases: verify}
  - {objective: free_nats, likelihood: [gaussian, bernoulli], sigma: 0.3, free: 0.5}
analysis: {law: {x: tau, y: test/kl}}
storage: sweeps
tracking: sqlite:///mlflow.db
"""

RUNNER = """\
import contextlib, io, json, sys
import trainers.likelihoods, trainers.objectives
trainers.likelihoods.__path__.append("likelihoods")
trainers.objectives.__path__.append("objectives")
from sweeper.cli import main

said = []
for command in json.loads(sys.argv[1]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(command)
    said.append([code, out.getvalue()])
print(json.dumps(said))
"""

Said = list[tuple[int, str]]


def commands(folder: Path, *asked: list[str]) -> Said:
    """Exit codes and output of commands in a process whose folders have the two files."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, json.dumps(asked)],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "400"},
    )
    return [(code, text) for code, text in json.loads(done.stdout.splitlines()[-1])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, blank_store: Path) -> Path:
    """Two files beside the package's own, and a grid that names what they register."""
    found = tmp_path_factory.mktemp("own")
    shutil.copy(blank_store, found)
    for kind, name, text in (
        ("likelihoods", "quartic", LIKELIHOOD),
        ("objectives", "free_nats", OBJECTIVE),
    ):
        (found / kind).mkdir()
        (found / kind / f"{name}.py").write_text(text, encoding="utf-8")
    (found / "grid.yaml").write_text(
        GRID.replace("[gaussian, bernoulli]", "gaussian"), encoding="utf-8"
    )
    (found / "wrong.yaml").write_text(GRID, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def said(folder: Path) -> Said:
    storage = ["--storage", "sweeps"]
    return commands(
        folder,
        ["plan", "grid.yaml", "--json"],
        ["plan", "wrong.yaml"],
        ["list", "likelihoods"],
        ["run", "grid.yaml", "--inline", "--json"],
        ["fit", "own", "--model", "elbo+quartic", "--json", *storage],
        ["equivalence", "own", "--json", *storage],
        ["report", "own", *storage, "--out", "out"],
    )


def test_every_command_works_on_it(said: Said) -> None:
    codes = [code for code, _ in said]
    assert codes == [0, 2, 0, 0, 0, 0, 0], said


def test_the_grid_knows_its_fields_and_its_aliases(said: Said) -> None:
    plan = json.loads(said[0][1])
    labels = [one["trial"] for one in plan["aliases"]]
    assert labels == [f"elbo+quartic τ=0.3 β=16 seed={seed}" for seed in (0, 1)]
    partners = [one["partner"] for one in plan["aliases"]]
    assert partners == [f"elbo+quartic τ=0.6 seed={seed}" for seed in (0, 1)]
    assert "tau (required)" in said[2][1]


def test_what_it_lacks_is_refused_with_its_owner(said: Said) -> None:
    assert "free_nats+bernoulli has no `sigma`; it belongs to the objective deen" in said[1][1]


def test_its_law_is_fitted_in_its_own_noise_level(said: Said) -> None:
    law = json.loads(said[4][1])
    assert (law["x"], law["n"]) == ("tau", 6)


def test_its_theorem_is_tested(said: Said) -> None:
    found = json.loads(said[5][1])
    text = json.dumps(found, ensure_ascii=False)
    assert "elbo+quartic τ=0.3 β=16 seed=0 agree to the last bit" in text


def test_the_report_draws_the_law(folder: Path, said: Said) -> None:
    page = (folder / "out" / "index.html").read_text(encoding="utf-8")
    assert "τ" in page
    assert "elbo+quartic" in page


def test_storage_and_mlflow_say_which_field_is_the_noise_level(folder: Path, said: Said) -> None:
    stored = from_storage(folder / "sweeps", "own").trials
    tracked = from_mlflow(f"sqlite:///{folder}/mlflow.db", "own").trials
    for trials in (stored, tracked):
        assert noise_levels(trials) == ["sigma", "tau"]
        said_of = zip(noise_of(trials), beta_exponents(trials), strict=True)
        by_model = dict(zip(trials["model"], said_of, strict=True))
        assert by_model["elbo+quartic"] == ("tau", 0.25)
        assert by_model["free_nats+gaussian"][0] == "sigma"
