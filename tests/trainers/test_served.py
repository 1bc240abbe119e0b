"""The files of a trained model are enough to denoise with it: no data, no storage, no pickle."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from trainers import Pack, Training, Trial, component_files, datasets
from trainers.corruptions.mean_image import MeanImage
from trainers.datasets.digits import Digits
from trainers.datasets.linear_gaussian import LinearGaussian
from trainers.likelihoods.bernoulli import Bernoulli
from trainers.likelihoods.gaussian import Gaussian
from trainers.networks.linear import Linear
from trainers.networks.quadratic import Quadratic
from trainers.noise import Streams
from trainers.noise_levels import estimate
from trainers.objectives.deen import Deen
from trainers.objectives.elbo import Elbo
from trainers.served import _load_pyfunc, exported, model_files

VAE = Trial(
    objective=Elbo(),
    likelihood=Gaussian(sigma=0.1),
    network=Linear(d_z=3),
    data=Digits(),
    training=Training(precision="float64"),
)
TRIALS = {
    "vae": VAE,
    "float32": replace(VAE, training=Training()),
    "corrupted": replace(
        VAE, likelihood=Bernoulli(), corruption=MeanImage(strength=0.5), corrupts="input"
    ),
    "energy": Trial(
        objective=Deen(sigma=0.3), network=Quadratic(), data=LinearGaussian(dims=4, examples=8)
    ),
}


def written(folder: Path, files: Mapping[str, bytes]) -> str:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(folder)


@pytest.mark.parametrize("name", TRIALS)
def test_the_served_model_answers_as_the_trained_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = TRIALS[name]
    objective, model = Pack([trial]).bind(0)
    served_from = written(tmp_path, model_files(trial, model.params))
    monkeypatch.setattr(datasets, "load", None)  # the data are not needed to serve it
    served = _load_pyfunc(served_from)
    shape = trial.data.shape
    images = np.random.default_rng(0).random((5, *shape))
    y = torch.tensor(images, dtype=trial.training.dtype).reshape(5, -1)
    way = "exact" if name == "energy" else "mean"
    with torch.no_grad():
        expected = estimate(objective, model, y, Streams(0, 0), way)
    found = served.predict(images)
    assert found.shape == (5, *shape)
    assert found.dtype == np.dtype(str(trial.training.dtype).removeprefix("torch."))
    np.testing.assert_array_equal(found.reshape(5, -1), expected)


@pytest.mark.parametrize("name", [name for name in TRIALS if name != "energy"])
def test_the_exported_program_is_xhat_of_any_number_of_images(name: str) -> None:
    trial = TRIALS[name]
    objective, model = Pack([trial]).bind(0)
    program = exported(trial, model.params)
    assert program is not None
    loaded = torch.export.load(io.BytesIO(program)).module()
    for count in (1, 5):
        y = torch.rand(count, *trial.data.shape, dtype=trial.training.dtype)
        with torch.no_grad():
            expected = estimate(objective, model, y.reshape(count, -1), Streams(0, 0), "mean")
        found = loaded(y)
        assert found.shape == y.shape
        torch.testing.assert_close(found.reshape(count, -1), expected)


def test_an_energy_and_a_network_that_cannot_be_traced_have_no_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first takes a gradient; the second looks at a value."""
    energy = TRIALS["energy"]
    assert exported(energy, Pack([energy]).bind(0)[1].params) is None
    params = Pack([VAE]).bind(0)[1].params
    monkeypatch.setattr(Elbo, "denoise", lambda _, model, y, noise: y if y.sum() > 0 else -y)
    assert exported(VAE, params) is None


def test_a_component_of_the_users_own_comes_along(tmp_path: Path) -> None:
    source = tmp_path / "steps.py"
    source.write_text(
        "from dataclasses import dataclass\n"
        "from trainers.datasets import DATASETS\n"
        "from trainers.datasets.linear_gaussian import LinearGaussian\n"
        '@DATASETS.register("steps")\n'
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Steps(LinearGaussian):\n"
        '    """As its base."""\n'
    )
    [entry] = component_files.load(source).entries
    trial = replace(TRIALS["energy"], data=entry.component(dims=4, examples=8))
    _, model = Pack([trial]).bind(0)
    folder = tmp_path / "model"
    folder.mkdir()
    files = model_files(trial, model.params)
    [component] = [name for name in files if name.endswith(".py")]
    assert files[component] == source.read_bytes()
    served = _load_pyfunc(written(folder, files))
    assert served.trial == trial
    assert served.predict(np.zeros((2, 4), dtype=np.float32)).shape == (2, 4)
