"""A folder of images is a data set, in memory or mapped from a file."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainers.models import SMALL
from trainers import Pack, Training, Trial, image_files
from trainers.classifier import require_labels
from trainers.datasets.image_folder import ImageFolder
from trainers.errors import DataError, Incompatible
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


def put(*files: Path, grey: int = 77) -> None:
    """Write an image of 4x4 equal pixels to each path."""
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), grey).save(file, "PNG")


def sizes(folder: Path, **fields: object) -> tuple[int, int, int]:
    splits = ImageFolder(**{"folder": str(folder), "size": 4, **fields}).load()
    return len(splits.train), len(splits.validation), len(splits.test)


def passed_over(folder: Path) -> dict[str, int]:
    return dict(ImageFolder(folder=str(folder), size=4).load().passed_over)


@pytest.fixture
def nested(tmp_path: Path) -> Path:
    """Tiny ImageNet's layout: three classes, each with its images in a folder called images."""
    root = tmp_path / "nested"
    for part, count in (("train", 4), ("test", 2)):
        for place, name in enumerate(("n01", "n02", "n03")):
            inner = root / part / name / "images"
            put(*(inner / f"{name}_{number}.png" for number in range(count)), grey=50 * place)
    return root


def test_the_class_is_the_first_folder_below_the_part(nested: Path) -> None:
    splits = ImageFolder(folder=str(nested), size=4, colour=False).load()
    for part, count in ((splits.train, 4), (splits.test, 2)):
        assert part.labels is not None
        assert part.labels.tolist() == [0] * count + [1] * count + [2] * count
        assert torch.equal(part.x[:, 0].long(), 50 * part.labels)


def test_a_class_that_is_not_the_last_folder_is_part_of_the_checksum(nested: Path) -> None:
    nested_sum = ImageFolder(folder=str(nested)).checksum()
    flat = nested.parent / "flat"
    for image in nested.rglob("*.png"):
        put(flat / image.relative_to(nested).parent.parent / image.name)
    assert ImageFolder(folder=str(flat)).checksum() != nested_sum


def test_the_checksum_of_plain_folders_is_what_it_was(tmp_path: Path) -> None:
    """Computed before links, classes, orientation and transparency were known."""
    for name, grey in (("train/a/1", 1), ("train/b/2", 2), ("test/a/3", 3)):
        file = tmp_path / f"{name}.pgm"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"P5 2 2 255\n" + bytes([grey] * 4))
    assert ImageFolder(folder=str(tmp_path), size=2).checksum() == "68c3461d7c8e4776"


@pytest.mark.parametrize("layout", ["one class", "no class", "test apart"])
def test_labels_that_no_classifier_can_learn_are_refused(tmp_path: Path, layout: str) -> None:
    train, test, why = {
        "one class": ("a/images", "a/images", "has one class"),
        "no class": (".", ".", "has no labels"),
        "test apart": ("a", "images", "has no class in both its training and its test part"),
    }[layout]
    put(*(tmp_path / "train" / train / f"{n}.png" for n in range(3)))
    put(*(tmp_path / "test" / test / f"{n}.png" for n in range(2)))
    if layout == "test apart":
        put(tmp_path / "train" / "b" / "1.png")
    with pytest.raises(Incompatible, match=f"{why}.*evaluate 'denoising'"):
        require_labels(ImageFolder(folder=str(tmp_path), size=4))


def test_two_classes_are_not_refused_where_a_random_choice_left_one(tmp_path: Path) -> None:
    """The classifier is trained on the whole training part, without `validation`."""
    put(tmp_path / "train" / "a" / "1.png", tmp_path / "train" / "b" / "2.png")
    put(tmp_path / "test" / "a" / "1.png", tmp_path / "test" / "b" / "2.png")
    require_labels(ImageFolder(folder=str(tmp_path), size=4, validation=1))


def test_a_class_of_the_test_part_alone_is_remarked(nested: Path) -> None:
    put(nested / "test" / "a\nb" / "1.png")
    splits = ImageFolder(folder=str(nested), size=4).load()
    assert splits.remarks == ("1 test images are of classes without a training image ('a\\nb')",)


def test_images_beside_class_folders_leave_none_with_a_label(nested: Path) -> None:
    put(nested / "train" / "stray.png")
    splits = ImageFolder(folder=str(nested), size=4).load()
    assert splits.train.labels is None
    (remark,) = splits.remarks
    assert remark.startswith("1 of 19 images lie in no class folder")


@pytest.mark.parametrize("name", ["val", "valid", "validation", "Val"])
def test_a_sub_folder_val_is_the_validation_part(nested: Path, name: str) -> None:
    put(*(nested / name / "n01" / f"{number}.png" for number in range(5)))
    assert sizes(nested) == (12, 5, 6)
    with pytest.raises(DataError, match=rf"validation part of its own, {name} with 5 images"):
        sizes(nested, validation=3)


def test_without_test_a_share_of_the_training_images_is_the_test_part(nested: Path) -> None:
    (nested / "test").rename(nested / "val")
    splits = ImageFolder(folder=str(nested), size=4, test_fraction=0.25).load()
    assert tuple(map(len, (splits.train, splits.validation, splits.test))) == (9, 6, 3)
    assert "has no sub-folder test: 3 random images of train" in splits.remarks[0]


def test_two_folders_for_one_part_are_refused(nested: Path) -> None:
    put(nested / "val" / "1.png", nested / "valid" / "1.png")
    with pytest.raises(DataError, match="2 sub-folders for the validation part, val and valid"):
        sizes(nested)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "bus", "car"):
        put(*(tmp_path / name / f"{number}.png" for number in range(4)))
    splits = ImageFolder(folder=str(tmp_path), size=4, test_fraction=0.5).load()
    labels = torch.cat(
        [part.labels for part in (splits.train, splits.test) if part.labels is not None]
    )
    assert labels.bincount().tolist() == [4, 4, 4]


def test_images_beside_the_parts_are_counted(nested: Path) -> None:
    put(nested / "extra" / "1.png", nested / "2.png")
    assert sizes(nested) == (12, 0, 6)
    assert passed_over(nested) == {"images outside train and test": 2}


def test_links_are_followed_once_and_circles_end(nested: Path, tmp_path: Path) -> None:
    put(*(tmp_path / "elsewhere" / "deep" / f"{number}.png" for number in range(3)))
    put(tmp_path / "blob")
    train = nested / "train"
    (train / "n04").symlink_to(tmp_path / "elsewhere")
    (train / "n05").symlink_to(tmp_path / "elsewhere")  # once more
    (train / "n01" / "up").symlink_to(train)  # circles
    (train / "n01" / "top").symlink_to(nested)
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "elsewhere")
    (train / "n02" / "leak").symlink_to(nested / "test" / "n02")  # no image is in two parts
    (train / "n03" / "linked.png").symlink_to(tmp_path / "blob")
    splits = ImageFolder(folder=str(nested), size=4).load()
    assert (len(splits.train), len(splits.test)) == (12 + 3 + 1, 6)
    assert splits.train.labels is not None
    assert splits.train.labels.bincount().tolist() == [4, 4, 5, 3]
    assert splits.passed_over == {image_files.REPEATED: 5}


def test_parts_may_be_links(nested: Path, tmp_path: Path) -> None:
    before = ImageFolder(folder=str(nested), size=4).checksum()
    linked = tmp_path / "linked"
    linked.mkdir()
    for part in ("train", "test"):
        (linked / part).symlink_to(nested / part)
    data = ImageFolder(folder=str(linked), size=4)
    assert (len(data.load().train), len(data.load().test)) == (12, 6)
    assert data.checksum() == before


def test_what_is_no_image_file_is_passed_over_and_counted(nested: Path) -> None:
    train = nested / "train"
    put(train / ".hidden.png", train / ".thumbs" / "1.png", train / "n01" / "._1.png")
    (train / "n01" / ".DS_Store").touch()
    put(train / "n01" / "album.png" / "inside.png")
    (train / "n01" / "nowhere.png").symlink_to(nested / "nothing.png")
    (train / "n01" / "itself.png").symlink_to(train / "n01" / "itself.png")
    os.mkfifo(train / "n02" / "pipe.png")
    for name in ("Thumbs.db", "README", "a.txt", "b.TXT"):
        (train / name).touch()
    assert sizes(nested) == (13, 0, 6)
    assert passed_over(nested) == {
        image_files.HIDDEN: 4,
        image_files.NAMED_LIKE_AN_IMAGE: 1,
        image_files.DANGLING: 2,
        image_files.SPECIAL: 1,
        "files ending in .db": 1,
        "files ending in .txt": 2,
        "files without an ending": 1,
    }


def test_links_into_the_file_systems_of_the_kernel_are_not_followed(nested: Path) -> None:
    """A walk through them has no end in sight, and their files have any length."""
    assert os.path.ismount("/proc"), "needs Linux"
    for name, target in (
        ("self.png", "/proc/self"),
        ("processes", "/proc"),
        ("memory.png", "/proc/self/mem"),
        ("devices", "/sys/devices"),
    ):
        (nested / "train" / "n01" / name).symlink_to(target)
    (nested / "train" / "n02" / "working.folder").symlink_to("/proc/self/cwd/nowhere")
    assert sizes(nested) == (12, 0, 6)
    assert passed_over(nested) == {image_files.OF_THE_KERNEL: 4, image_files.DANGLING: 1}


def test_the_whole_machine_is_no_part_of_an_album(nested: Path) -> None:
    (nested / "train" / "n01" / "x.png").symlink_to("/")
    assert passed_over(nested) == {image_files.REPEATED: 1}


def test_a_link_that_may_not_be_read_is_counted(
    nested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = nested / "train" / "n01" / "secret.png"
    link.symlink_to(nested)
    read = os.readlink

    def refuse(path: str) -> str:
        if path == str(link):
            raise PermissionError(13, "Permission denied", path)
        return read(path)

    monkeypatch.setattr("os.readlink", refuse)
    assert sizes(nested) == (12, 0, 6)
    assert passed_over(nested) == {image_files.UNREADABLE: 1}


def test_many_endings_are_counted_together(nested: Path) -> None:
    for number in range(8):
        (nested / "train" / f"x.{number:03d}").touch()
    found = passed_over(nested)
    assert found.pop("files with other endings") == 3
    assert len(found) == 5


def test_a_folder_that_may_not_be_listed_is_counted(
    nested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions do not bind root, so the refusal is made."""
    listed = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("n02"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr("trainers.image_files.os.scandir", refuse)
    assert sizes(nested) == (8, 0, 4)
    assert passed_over(nested) == {image_files.UNREADABLE: 2}


def test_an_image_that_may_not_be_read_is_named(
    nested: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("trainers.datasets.image_folder.file_digest", refuse)
    with pytest.raises(DataError, match=r"n01_0\.png cannot be read \(Permission denied\)"):
        ImageFolder(folder=str(nested)).checksum()


@pytest.mark.parametrize("suffix", ["jfif", "avif", "webp", "JPE", "PNG", "TiFF", "pbm", "pnm"])
def test_every_ending_of_an_image_counts(tmp_path: Path, suffix: str) -> None:
    kind = {"jfif": "jpeg", "jpe": "jpeg", "tiff": "tiff", "pbm": "ppm", "pnm": "ppm"}
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        image = Image.new("RGB", (8, 8), (200, 200, 200))
        image.save(tmp_path / part / f"1.{suffix}", kind.get(suffix.lower(), suffix.lower()))
    splits = ImageFolder(folder=str(tmp_path), size=8).load()
    assert (splits.train.x.int() - 200).abs().max() <= 2


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_turned_as_exif_says(tmp_path: Path, kind: str, orientation: int) -> None:
    """A bright top left quarter is at the place that the EXIF standard names for each value."""
    pixels = np.zeros((32, 32), dtype=np.uint8)
    pixels[:16, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).convert("RGB").save(tmp_path / f"1.{kind}", exif=exif)
    row = Pictures((tmp_path / f"1.{kind}",), 32, False)[0].reshape(32, 32)
    place = {1: 0, 2: 1, 3: 3, 4: 2, 5: 0, 6: 1, 7: 3, 8: 2}[orientation]
    quarters = torch.stack([row[8, 8], row[8, 24], row[24, 8], row[24, 24]])
    assert int(quarters.argmax()) == place
    assert int(quarters.max()) > 200


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
@pytest.mark.parametrize(("background", "value"), [("white", 255), ("black", 0)])
def test_transparent_pixels_lie_on_the_background(
    tmp_path: Path, mode: str, background: str, value: int
) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        image = Image.new(mode, (4, 4), {"LA": (90, 0), "RGBA": (90, 90, 90, 0)}.get(mode, 0))
        more = {"transparency": (0, 0, 0) if mode == "RGB" else 0} if mode in ("P", "RGB") else {}
        image.save(tmp_path / part / "1.png", **more)
    data = ImageFolder(folder=str(tmp_path), size=4, background=background)  # type: ignore[arg-type]
    assert data.load().train.x.unique().tolist() == [value]


def test_alpha_is_the_weight_of_a_pixel(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (100, 100, 100, 51)).save(tmp_path / "1.png")
    row = Pictures((tmp_path / "1.png",), 4, False, "black")[0]
    assert row.unique().tolist() == [20]  # 100 · 51/255


@pytest.mark.parametrize("special", ["plain", "alpha", "turned"])
def test_the_checksum_knows_background_and_orientation_where_they_matter(
    tmp_path: Path, special: str
) -> None:
    exif = Image.Exif()
    if special == "turned":
        exif[0x0112] = 6
    image = Image.new("RGBA" if special == "alpha" else "RGB", (4, 4))
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        image.save(tmp_path / part / "1.png", exif=exif)
    white, black = (
        ImageFolder(folder=str(tmp_path), background=one).checksum()  # type: ignore[arg-type]
        for one in ("white", "black")
    )
    assert (white == black) == (special != "alpha")


@pytest.mark.parametrize("kind", ["gif", "webp", "tiff"])
def test_of_several_frames_the_first_is_read_and_the_files_are_counted(
    tmp_path: Path, kind: str
) -> None:
    frames = [Image.new("L", (4, 4), grey) for grey in (40, 200)]
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        path = tmp_path / part / f"1.{kind}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
    splits = ImageFolder(folder=str(tmp_path), size=4).load()
    assert splits.passed_over == {"frames after the first, files": 2}
    assert (splits.train.x.int() - 40).abs().max() <= 2


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_file_that_is_no_image_is_named(album: Path, workers: int, content: bytes) -> None:
    (album / "cats" / "new\nline.png").write_bytes(content)
    data = ImageFolder(folder=str(album), size=8, workers=workers)
    said = rf"cats/new\nline\.png is damaged .* expected, {len(content)} bytes found"
    with pytest.raises(DataError, match=said) as caught:
        data.load()
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff", "webp", "avif", "gif", "bmp", "ppm"])
def test_a_changed_byte_is_read_or_refused(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(0)
    whole = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = rng.integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(whole, kind, exif=exif)
    outcomes = []
    for number in range(60):
        content = bytearray(whole.getvalue())
        content[int(rng.integers(min(len(content), 200)))] = int(rng.integers(256))
        path = tmp_path / f"{number}.{kind}"
        path.write_bytes(content)
        try:
            with warnings.catch_warnings(action="ignore"):
                outcomes.append(tuple(Pictures((path,), 4, False)[0].shape))
        except DataError as error:
            outcomes.append(str(path) in str(error))
    assert set(outcomes) <= {(16,), True}


def test_a_cache_that_cannot_be_written_is_named(album: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    data = ImageFolder(
        folder=str(album), size=6, memory_limit=1e-9, cache_dir=str(tmp_path / "file" / "cache")
    )
    with pytest.raises(DataError, match="set `cache_dir` to a folder"):
        data.load()
