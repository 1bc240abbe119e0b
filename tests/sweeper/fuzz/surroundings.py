"""Random folders, names, links, encodings and environments in which a small grid is run."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["CHANGES", "Change", "Surroundings", "deleted_working_folder", "drawn", "unwritable"]

NAMES: tuple[str | bytes, ...] = (
    "with spaces",
    "what?",
    "a?b=c",
    "a%20b",
    "50%",
    "ü",
    "測" * 85,
    "#1",
    "two\nlines",
    "it's",
    '"quoted"',
    "-rf",
    "[red]",
    "a:b",
    "{name}",
    "$HOME",
    "~",
    "*",
    "x" * 255,
    "x" * 248,
    b"\xff",
)
ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-16")
PICTURE = b"P6 8 8 255\n"
IMAGES = "{name: image_folder, folder: %s, size: 8}"


@dataclass
class Surroundings:
    """A case: the folder that it may fill, and how the command is called there.

    `about` says what was done; `steps` are done when all files are there; an `unprivileged` case
    is run by a user who is not root.
    """

    rng: random.Random
    root: Path
    here: Path
    environment: dict[str, str | None] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    data: str = "linear_gaussian"
    encoding: str = "utf-8"
    grid: str = "grid.yaml"
    unprivileged: bool = False
    about: list[str] = field(default_factory=list)
    steps: list[Callable[[], None]] = field(default_factory=list)

    def name(self) -> str:
        """A file name that is legal and unusual."""
        chosen = self.rng.choice(NAMES)
        return os.fsdecode(chosen)

    def write_grid(self) -> None:
        """The grid in the folder; its text is UTF-8 whatever the names in it are."""
        keys = {"experiment": "test", **self.keys, "data": self.data}
        network = "mlp" if "image_folder" in self.data else "linear"
        text = "".join(f"{key}: {value}\n" for key, value in keys.items())
        text += f"defaults: {{network: {network}, d_z: 2, epochs: 1, lr: 1e-3}}\nseeds: 1\n"
        text += "trials:\n  - {model: sigma_vae, sigma: 0.1}\n"
        (self.here / self.grid).write_bytes(text.encode("utf-8", "surrogateescape"))


Change = Callable[[Surroundings], None]


def drawn(rng: random.Random, root: Path, changes: Sequence[Change] | None = None) -> Surroundings:
    """A case with the changes, or one to three random ones; that of the whole folder is last."""
    here = root / "here"
    here.mkdir()
    case = Surroundings(rng, root, here)
    chosen = changes or rng.sample(CHANGES, rng.choice((1, 1, 2, 3)))
    for change in sorted(chosen, key=lambda one: one is deleted_working_folder):
        change(case)
        case.about.append(change.__name__)
    if case.here.is_dir():
        case.write_grid()
    return case


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def folder_of_another_name(case: Surroundings) -> None:
    moved = case.here / case.name()
    moved.mkdir(exist_ok=True)
    case.here = moved


def grid_of_another_name(case: Surroundings) -> None:
    name = case.name()
    case.grid = os.fsdecode(os.fsencode(name)[:200]) + ".yaml"


def storage_of_another_name(case: Surroundings) -> None:
    case.options += ["--storage=" + case.name()]


def tracking_of_another_name(case: Surroundings) -> None:
    name = case.name()
    if case.rng.random() < 0.5:
        case.options += ["--tracking", f"sqlite:///{name}"]
    else:
        case.keys["tracking"] = _quoted(f"sqlite:///{name}/mlflow.db")


def experiment_of_another_name(case: Surroundings) -> None:
    case.keys["experiment"] = _quoted(case.name())


def _blocker(case: Surroundings, path: Path) -> None:
    """Put something in place of a folder or a file."""
    if os.path.lexists(path) or not path.parent.is_dir():
        return
    kind = case.rng.randrange(8)
    if kind == 0:
        path.write_bytes(b"a file of the user")
    elif kind == 1:
        path.mkdir()
    elif kind == 2:
        path.symlink_to(case.root / "nowhere" / "x")
    elif kind == 3:
        path.symlink_to(path)
    elif kind == 4:
        locked = case.root / "locked"
        locked.mkdir(mode=0, exist_ok=True)
        path.symlink_to(locked)
    elif kind == 5:
        os.mkfifo(path)
    elif kind == 6:
        path.symlink_to(path.with_name("circle"))
        with suppress(FileExistsError):
            path.with_name("circle").symlink_to(path)
    else:
        path.symlink_to(case.rng.choice(("/proc/self", "/proc/1/cwd", "/", "/dev/zero", "..")))


def something_in_the_place_of_the_storage(case: Surroundings) -> None:
    _blocker(case, case.here / "sweeps")


def something_within_the_storage(case: Surroundings) -> None:
    part = case.rng.choice(
        ("sweeps", "trials", "programs", "datasets", "classifiers", "sweeps/test", "trials/x")
    )
    path = case.here / "sweeps" / part
    with suppress(OSError):  # another change has put something there
        path.parent.mkdir(parents=True, exist_ok=True)
    _blocker(case, path)


def something_in_the_place_of_the_store(case: Surroundings) -> None:
    _blocker(case, case.here / "mlflow.db")


def something_beside_the_store(case: Surroundings) -> None:
    name = case.rng.choice(("mlflow.db.lock", "mlruns", "mlflow.db-wal", "mlflow.db-journal"))
    _blocker(case, case.here / name)


def storage_elsewhere(case: Surroundings) -> None:
    place = case.rng.choice(
        ("/proc/sweeps", "/dev/full", "/dev/null/x", "~", "~nobody/x", "", "..", "a/../../b/c")
    )
    case.keys["storage"] = _quoted(place)


def tracking_elsewhere(case: Surroundings) -> None:
    case.keys["tracking"] = _quoted(
        case.rng.choice(
            (
                "sqlite:///missing/folder/mlflow.db",
                "sqlite:////proc/mlflow.db",
                "sqlite:////dev/full",
                "sqlite:///grid.yaml/mlflow.db",
                "sqlite:///grid.yaml",
                "sqlite:///..",
                "sqlite://",
                "sqlite:///",
                "sqlite:///:memory:",
                "mlruns",
                "file:///tmp/x",
                "ftp://host/x",
                "databricks",
                "",
            )
        )
    )


def temporary_folder(case: Surroundings) -> None:
    long = case.root / ("t" * 120)
    long.mkdir()
    file = case.root / "file"
    file.touch()
    case.environment["TMPDIR"] = case.rng.choice(
        (str(case.root / "missing"), str(long), "/proc", str(file), "", "relative")
    )


def home(case: Surroundings) -> None:
    case.environment["HOME"] = case.rng.choice(
        (None, "", "/proc", str(case.root / "missing"), "/dev/null")
    )


def tracking_variable(case: Surroundings) -> None:
    case.environment["MLFLOW_TRACKING_URI"] = case.rng.choice(
        ("", " ", "sqlite:///env.db", "sqlite:////missing/env.db", "mlruns", "databricks", "x://")
    )


def data_variable(case: Surroundings) -> None:
    case.environment["SWEEPER_DATA"] = case.rng.choice(
        (None, "", "/missing", "/dev/null", "relative", "~", "\udcff")
    )


def output_encoding(case: Surroundings) -> None:
    case.encoding = case.rng.choice(ENCODINGS)


def folder_in_a_circle_of_links(case: Surroundings) -> None:
    """Be in the folder by way of a link that leads back to the folder above it."""
    (case.here / "up").symlink_to(case.root)
    case.here = case.here / "up" / case.here.name


def images(case: Surroundings) -> None:
    """A folder of pictures, some of them odd, under an unusual name."""
    name = case.name()
    folder = case.here / name
    with suppress(FileExistsError):
        folder.mkdir()
    if not folder.is_dir():
        return
    for place in range(case.rng.choice((0, 1, 10, 12))):
        (folder / f"{place}.ppm").write_bytes(PICTURE + bytes([place]) * 192)
    for _ in range(case.rng.randrange(4)):
        _odd_picture(case, folder)
    case.data = IMAGES % _quoted(name)


def _odd_picture(case: Surroundings, folder: Path) -> None:
    kind = case.rng.randrange(12)
    path = folder / f"odd{len(list(folder.iterdir()))}.png"
    if kind < 6:
        _blocker(case, path)
    elif kind == 6:
        path.write_bytes(b"")
    elif kind == 7:
        path.with_suffix(".ppm").write_bytes(PICTURE + b"cut")
    elif kind == 8:
        (folder / ("x" * 251 + ".ppm")).write_bytes(PICTURE + b"a" * 192)
    elif kind == 9:
        (folder / ("測" * 83 + ".ppm")).symlink_to(folder / "0.ppm")
    elif kind == 10:
        (folder / "circle").mkdir(exist_ok=True)
        path = folder / "circle" / path.name
        path.symlink_to("..")
    else:
        (folder / "train").mkdir(exist_ok=True)
        (folder / "train" / os.fsdecode(b"\xff.ppm")).write_bytes(PICTURE + b"a" * 192)


def images_elsewhere(case: Surroundings) -> None:
    case.data = IMAGES % _quoted(
        case.rng.choice(("missing", "grid.yaml", "/dev/null", ".", "", "~nobody"))
    )


def unwritable(case: Surroundings) -> None:
    """Take a permission away; the command is then run by a user who is not root."""
    case.unprivileged = True
    path = case.rng.choice(
        (
            case.here,
            case.here / "sweeps",
            case.here / "sweeps" / "trials",
            case.here / "sweeps" / "sweeps" / "test",
            case.here / "mlflow.db",
            case.here / "mlruns",
            case.here / "mlflow.db.lock",
            case.root / "empty",
        )
    )
    if not path.exists() and not path.is_symlink():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch() if path.suffix else path.mkdir()
    case.environment["SWEEPER_TEST_LOCKED"] = str(path)


def deleted_working_folder(case: Surroundings) -> None:
    shutil.rmtree(case.here.resolve())  # also where it is reached by a circle of links


CHANGES: tuple[Change, ...] = (
    folder_of_another_name,
    grid_of_another_name,
    storage_of_another_name,
    tracking_of_another_name,
    experiment_of_another_name,
    something_in_the_place_of_the_storage,
    something_within_the_storage,
    something_in_the_place_of_the_store,
    something_beside_the_store,
    storage_elsewhere,
    tracking_elsewhere,
    temporary_folder,
    home,
    tracking_variable,
    data_variable,
    output_encoding,
    folder_in_a_circle_of_links,
    images,
    images_elsewhere,
    unwritable,
    deleted_working_folder,
)
