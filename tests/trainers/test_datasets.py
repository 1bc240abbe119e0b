"""Mixtures of Gaussians, binarized digits, and how batches of them are made."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from trainers.batches import Batches
from trainers.datasets import Split, Splits, hold_out
from trainers.datasets.binarized_mnist import BinarizedMnist, switched_on
from trainers.datasets.gaussian_mixture import GaussianMixture
from trainers.datasets.mnist import FILES, Mnist
from trainers.errors import DataError
from trainers.noise import Streams

needs_mnist = pytest.mark.skipif(
    not os.environ.get("SWEEPER_DATA"),
    reason="MNIST is not here: set SWEEPER_DATA to the folder above MNIST/raw",
)

MIXTURES = [
    GaussianMixture(dims=1, components=3, scale=0.3),
    GaussianMixture(dims=5, components=4, radius=2.0, scale=0.5),
]


def mixture_distribution(mixture: GaussianMixture, sigma: float) -> MixtureSameFamily:
    spread = torch.full_like(mixture.means, (mixture.scale**2 + sigma**2) ** 0.5)
    return MixtureSameFamily(
        Categorical(torch.ones(mixture.components, dtype=torch.float64)),
        Independent(Normal(mixture.means, spread), 1),
    )


@pytest.mark.parametrize("sigma", [0.0, 0.7])
@pytest.mark.parametrize("mixture", MIXTURES)
def test_a_mixture_knows_its_density_and_score(mixture: GaussianMixture, sigma: float) -> None:
    y = torch.randn(
        50, mixture.dims, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    ).requires_grad_()
    density = mixture_distribution(mixture, sigma).log_prob(y)
    torch.testing.assert_close(mixture.log_density(y, sigma), density, rtol=1e-12, atol=1e-12)
    (score,) = torch.autograd.grad(density.sum(), y)
    torch.testing.assert_close(mixture.score(y.detach(), sigma), score, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("mixture", MIXTURES)
def test_no_estimator_beside_the_mixtures_own_denoises_better(mixture: GaussianMixture) -> None:
    """E[x|y] leaves a residual that no function of y explains: orthogonal to y and to itself."""
    x = (
        GaussianMixture(
            dims=mixture.dims,
            components=mixture.components,
            radius=mixture.radius,
            scale=mixture.scale,
            examples=20_000,
        )
        .load()
        .train.x
    )
    y = x + 0.5 * torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    best = mixture.denoised(y, 0.5)
    for probe in (y, best, torch.tanh(3 * y)):
        products = ((x - best) * probe).sum(-1)
        error = float(products.std()) / len(x) ** 0.5
        assert abs(float(products.mean())) < 4 * error


@pytest.mark.parametrize("mixture", MIXTURES)
def test_a_mixtures_sample_has_the_means_and_the_scale(mixture: GaussianMixture) -> None:
    splits = mixture.load()
    assert not torch.equal(splits.train.x, splits.test.x)
    labels = splits.train.labels
    assert labels is not None
    assert splits.train.x.shape == (mixture.examples, *mixture.shape)
    residual = (splits.train.x - mixture.means[labels]) / mixture.scale
    assert float(residual.square().sum(-1).mean()) == pytest.approx(mixture.dims, rel=0.15)
    for component, mean in enumerate(mixture.means):
        mine = splits.train.x[labels == component]
        assert float((mine.mean(0) - mean).abs().max()) < 5 * mixture.scale / len(mine) ** 0.5


@pytest.fixture
def few_greys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny file set of MNIST's form: 400 + 50 images, where pixel i has the grey i mod 256."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, count in {"train": 400, "t10k": 50}.items():
        pixels = np.tile(np.arange(784) % 256, (count, 1)).astype(np.uint8)
        head = np.array([0x803, count, 28, 28], dtype=">i4").tobytes()
        (raw / f"{name}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        head = np.array([0x801, count], dtype=">i4").tobytes()
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(head + bytes(count))
    for name in FILES:
        monkeypatch.setitem(FILES, name, hashlib.sha256((raw / name).read_bytes()).hexdigest())
    return tmp_path


def test_static_pixels_are_on_as_often_as_they_are_bright(few_greys: Path) -> None:
    data = BinarizedMnist(data_dir=str(few_greys), validation=100)
    splits = data.load()
    assert tuple(map(len, (splits.train, splits.validation, splits.test))) == (300, 100, 50)
    x = splits.train.x
    assert set(x.unique().tolist()) == {0, 255}
    grey = torch.arange(784) % 256 / 255
    excess = (x.double() / 255).mean(0) - grey
    error = (grey * (1 - grey) / len(x)).sqrt()
    assert (excess.abs() <= 5 * error + 1e-12).all()
    assert float(excess.mean().abs()) < 4 * float(error.mean()) / 784**0.5
    assert torch.equal(x, data.load().train.x)
    other = BinarizedMnist(data_dir=str(few_greys), validation=100, data_seed=1)
    assert not torch.equal(x, other.load().train.x)
    assert data.checksum() != other.checksum()


def test_a_threshold_cuts_at_one_half(few_greys: Path) -> None:
    splits = BinarizedMnist(data_dir=str(few_greys), binarize="threshold").load()
    assert torch.equal(splits.test.x[0] == 255, torch.arange(784) % 256 > 127)


def test_dynamic_pixels_are_drawn_anew_and_have_the_grey_value_as_their_mean(
    few_greys: Path,
) -> None:
    data = BinarizedMnist(data_dir=str(few_greys), binarize="dynamic")
    splits = data.load()
    batches = Batches(splits, torch.float64, torch.device("cpu"))
    rows = torch.arange(400)
    first, second = (batches.train(rows, [Streams(7, epoch)]) for epoch in (0, 1))
    assert not torch.equal(first, second)
    assert torch.equal(first, batches.train(rows, [Streams(7, 0)]))
    used, fresh = Streams(7, 0), Streams(7, 0)
    batches.train(rows, [used])
    for stream in ("order", "latent", "corruption", "evaluation"):
        assert torch.equal(
            *(torch.rand(3, generator=one.generator(stream)) for one in (used, fresh))
        ), "pixels take numbers of their own stream"
    grey = torch.arange(784, dtype=torch.float64) % 256 / 255
    excess = (first.mean(0) + second.mean(0)) / 2 - grey
    assert (excess.abs() <= 5 * (grey * (1 - grey) / 800).sqrt() + 1e-12).all()
    static = BinarizedMnist(data_dir=str(few_greys)).load()
    assert torch.equal(splits.test.x, static.test.x)


def test_a_packs_members_draw_their_own_pixels_as_they_would_alone(few_greys: Path) -> None:
    batches = Batches(
        BinarizedMnist(data_dir=str(few_greys), binarize="dynamic").load(),
        torch.float32,
        torch.device("cpu"),
    )
    rows = torch.arange(64).reshape(2, 32)
    together = batches.train(rows, [Streams(1, 0), Streams(2, 0)])
    for member, seed in enumerate((1, 2)):
        assert torch.equal(together[member], batches.train(rows[member], [Streams(seed, 0)]))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:-1], id="truncated"),
        pytest.param(lambda content: content[:-1] + b"\7", id="one byte changed"),
        pytest.param(lambda content: b"\0" * len(content), id="zeros"),
    ],
)
@pytest.mark.parametrize("name", FILES)
def test_another_file_than_mnists_is_refused(
    few_greys: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    path = few_greys / "MNIST" / "raw" / name
    path.write_bytes(damage(path.read_bytes()))
    wrong = rf"{name} is damaged: sha256 [0-9a-f]{{64}} expected, [0-9a-f]{{64}} found"
    for data in (
        Mnist(data_dir=str(few_greys)),
        BinarizedMnist(data_dir=str(few_greys), binarize="dynamic"),
    ):
        with pytest.raises(DataError, match=wrong):
            data.load()
        with pytest.raises(DataError, match=wrong):
            data.checksum()


def test_a_file_of_another_library_beside_mnists_is_not_read(few_greys: Path) -> None:
    """torchvision's class prefers a pickle in ``processed``, which no checksum vouches for."""
    folder = few_greys / "MNIST" / "processed"
    folder.mkdir()
    for name in ("training.pt", "test.pt"):
        (folder / name).write_bytes(b"no data")
    assert len(Mnist(data_dir=str(few_greys)).load().train) == 400


@needs_mnist
def test_mnist_is_what_torchvision_reads_and_needs_no_torchvision() -> None:
    from torchvision.datasets import MNIST

    alone = (
        "import sys; sys.modules['torchvision'] = None\n"
        "from trainers.datasets.mnist import Mnist; print(len(Mnist().load().test))"
    )
    done = subprocess.run(
        [sys.executable, "-c", alone], check=False, capture_output=True, text=True
    )
    assert done.stdout == "10000\n", done.stderr
    splits = Mnist().load()
    for ours, train in ((splits.train, True), (splits.test, False)):
        theirs = MNIST(os.environ["SWEEPER_DATA"], train=train)
        assert torch.equal(ours.x, theirs.data.flatten(1))
        assert torch.equal(ours.labels, theirs.targets)


@needs_mnist
def test_mnist_binarized_is_as_bright_as_mnist() -> None:
    static, dynamic = (BinarizedMnist(binarize=kind).load() for kind in ("static", "dynamic"))
    grey = float(dynamic.train.x.double().mean()) / 255
    assert float(static.train.x.double().mean()) / 255 == pytest.approx(grey, rel=1e-3)
    assert len(static.train) == 60_000


def test_a_pixel_of_value_one_is_always_on_and_one_of_zero_never() -> None:
    uniform = torch.tensor([0.0, 1 - 2**-24])
    assert switched_on(torch.zeros(2), uniform).tolist() == [0, 0]
    assert switched_on(torch.ones(2), uniform).tolist() == [1, 1]


def test_float_data_in_their_own_units_are_not_rescaled() -> None:
    x = torch.rand(9, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    batches = Batches(Splits(Split(x), Split(x[:4])), torch.float64, torch.device("cpu"))
    assert torch.equal(batches.train(torch.tensor([2, 1]), [Streams(0, 0)]), x[[2, 1]])
    assert torch.equal(torch.cat(list(batches.held_out("test"))), x[:4])


@pytest.mark.parametrize(("limit", "kept"), [(0, 7), (4, 4), (9, 7)])
def test_what_is_set_apart_is_the_end_and_is_not_trained_on(limit: int, kept: int) -> None:
    rows = torch.arange(10)
    train, apart = hold_out(Split(rows.unsqueeze(-1), rows), 3, limit)
    assert train.labels is not None
    assert apart.labels is not None
    assert train.x.flatten().tolist() == train.labels.tolist() == list(range(kept))
    assert apart.x.flatten().tolist() == apart.labels.tolist() == [7, 8, 9]
