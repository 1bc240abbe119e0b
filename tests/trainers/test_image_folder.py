"""A folder of images is a data set, in memory or mapped from a file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainers.models import SMALL
from trainers import Pack, Training, Trial
from trainers.datasets.image_folder import ImageFolder
from trainers.errors import DataError
from trainers.images import Pictures
from trainers.likelihoods.gaussian import Gaussian
from trainers.objectives.elbo import Elbo


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Thirty images of several sizes and kinds in two classes: image n is of the grey 8n."""
    for number in range(30):
        folder = tmp_path / "album" / ("cats" if number % 2 else "dogs")
        folder.mkdir(parents=True, exist_ok=True)
        mode, suffix = [("L", "png"), ("RGB", "png"), ("RGB", "bmp")][number % 3]
        grey = 8 * number
        size = (20 + number, 31)
        Image.new(mode, size, grey if mode == "L" else (grey,) * 3).save(
            folder / f"{number:02d}.{suffix}"
        )
    (tmp_path / "album" / "notes.txt").write_text("no image")
    return tmp_path / "album"


@pytest.mark.parametrize("colour", [False, True])
def test_a_folder_of_any_images_is_a_data_set(album: Path, colour: bool) -> None:
    data = ImageFolder(folder=str(album), size=8, colour=colour, test_fraction=0.2, validation=4)
    splits = data.load()
    assert tuple(map(len, (splits.train, splits.validation, splits.test))) == (20, 4, 6)
    x = torch.cat([splits.train.x, splits.validation.x, splits.test.x])
    assert x.shape == (30, data.shape[0] * 64)
    assert sorted(x[:, 0].tolist()) == [8 * number for number in range(30)]
    assert torch.equal(x, x[:, :1].expand_as(x))
    assert splits.test.labels is not None
    assert torch.equal(splits.test.labels == 0, splits.test.x[:, 0] // 8 % 2 == 1)


def test_pixels_keep_their_places_and_the_middle_of_the_longer_side(tmp_path: Path) -> None:
    """An image of 4x8 pixels at size 4 is not resized: its columns 2 to 5, channels first."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 8, 3), dtype=np.uint8)
    for part, image in zip(("train", "test"), pixels, strict=True):
        (tmp_path / part).mkdir()
        Image.fromarray(image).save(tmp_path / part / "one.png")
        Image.fromarray(image.repeat(3, 0).repeat(3, 1)).save(tmp_path / part / "three.png")
    colour, grey = (
        ImageFolder(folder=str(tmp_path), size=4, colour=colour).load() for colour in (True, False)
    )
    for part, image in zip(("train", "test"), pixels[:, :, 2:6], strict=True):
        one, three = getattr(colour, part).x.numpy().reshape(2, 3, 4, 4)
        assert np.array_equal(one, image.transpose(2, 0, 1))
        weights = np.array([0.299, 0.587, 0.114])
        lightness = getattr(grey, part).x.numpy().reshape(2, 4, 4)[0]
        np.testing.assert_allclose(lightness, image @ weights, atol=1)
        assert np.corrcoef(one.ravel(), three.ravel())[0, 1] > 0.95


def test_sub_folders_train_and_test_are_the_parts(album: Path) -> None:
    (album / "cats").rename(album / "train")
    (album / "dogs").rename(album / "test")
    splits = ImageFolder(folder=str(album), size=4).load()
    assert (splits.train.x[:, 0] // 8 % 2 == 1).all()
    assert (splits.test.x[:, 0] // 8 % 2 == 0).all()
    assert splits.train.labels is None


def test_a_folder_too_large_for_memory_is_mapped_and_trains_to_the_same_numbers(
    album: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    inside = ImageFolder(folder=str(album), size=6, colour=False)
    mapped = ImageFolder(
        folder=str(album), size=6, colour=False, memory_limit=1e-9, cache_dir=str(cache)
    )
    assert inside.checksum() == mapped.checksum()
    records = [
        Pack(
            [
                Trial(
                    objective=Elbo(),
                    likelihood=Gaussian(sigma=0.3),
                    network=SMALL,
                    data=data,
                    training=Training(epochs=1, batch_size=8),
                )
            ]
        ).run_epoch()
        for data in (inside, mapped)
    ]
    assert records[0][0].metrics == records[1][0].metrics
    (file,) = cache.iterdir()
    assert file.stat().st_size == 30 * 36
    os.utime(file, (1, 1))
    file_again = ImageFolder(**{**vars(mapped), "validation": 0}).load()
    assert file.stat().st_mtime == 1
    assert torch.equal(file_again.train.x, inside.load().train.x)


def test_a_torn_cache_is_written_again(album: Path, tmp_path: Path) -> None:
    mapped = ImageFolder(
        folder=str(album), size=6, memory_limit=1e-9, cache_dir=str(tmp_path / "cache")
    )
    first = mapped.load().train.x.clone()
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(b"torn")
    assert torch.equal(mapped.load().train.x, first)


def test_a_damaged_image_is_refused(album: Path) -> None:
    damaged = album / "cats" / "01.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    with pytest.raises(DataError, match=r"01\.png is damaged .* expected, 60 bytes found"):
        ImageFolder(folder=str(album), size=8).load()


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_a_pixel_become_eight(tmp_path: Path, suffix: str, colour: bool) -> None:
    """Pillow's own conversion clips all above 255 of 65,535 to white."""
    grey = np.arange(0, 65536, 257 * 17, dtype=np.uint16).reshape(4, 4)
    for part in ("train", "test"):
        path = tmp_path / part / f"one.{suffix}"
        path.parent.mkdir()
        if suffix == "pgm":
            path.write_bytes(b"P5 4 4 65535\n" + grey.astype(">u2").tobytes())
        else:
            Image.fromarray(grey).save(path)
    x = ImageFolder(folder=str(tmp_path), size=4, colour=colour).load().train.x
    expected = torch.arange(0, 256, 17, dtype=torch.uint8).repeat(3 if colour else 1)
    assert torch.equal(x[0], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_pixels_of_no_known_range_are_refused(tmp_path: Path, dtype: type) -> None:
    Image.fromarray(np.ones((4, 4), dtype=dtype)).save(tmp_path / "one.tif")
    with pytest.raises(DataError, match=r"one\.tif has pixels of mode . \(32 bits\).* expected"):
        Pictures((tmp_path / "one.tif",), 4, False)[0]


def test_a_picture_of_an_absurd_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.bmp"
    Image.new("L", (4, 4)).save(path)
    content = bytearray(path.read_bytes())
    content[18:26] = (1 << 20).to_bytes(4, "little") * 2
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"huge\.bmp is damaged or no image.*decompression bomb"):
        Pictures((path,), 4, False)[0]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        ImageFolder(folder=str(tmp_path)).checksum()


def test_a_name_in_another_encoding_is_a_name(album: Path) -> None:
    before = ImageFolder(folder=str(album)).checksum()
    Image.new("L", (9, 9), 77).save(album / "cats" / "new.png")
    os.rename(album / "cats" / "new.png", os.fsencode(album / "cats") + b"/caf\xe9.png")
    data = ImageFolder(folder=str(album), size=8)
    assert data.checksum() != before
    assert sum(map(len, (data.load().train, data.load().test))) == 31


def test_a_changed_image_changes_the_checksum(album: Path) -> None:
    data = ImageFolder(folder=str(album))
    before = data.checksum()
    Image.new("L", (9, 9), 77).save(album / "cats" / "01.png")
    assert data.checksum() != before
