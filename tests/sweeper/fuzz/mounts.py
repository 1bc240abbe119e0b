"""Small file systems of a case: full, out of files, or read-only. They need the right to mount."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from functools import cache, partial
from pathlib import Path

from tests.sweeper.fuzz.surroundings import (
    CHANGES,
    Surroundings,
    deleted_working_folder,
    unwritable,
)

__all__ = ["DISKS", "can_mount", "unmount_below"]

SIZE = 4 << 20  # bytes
ROOMS = (0, 8 << 10, 64 << 10, 300 << 10, 1 << 20, 5 << 19)


@cache
def can_mount() -> bool:
    """Whether a tmpfs can be mounted here."""
    with tempfile.TemporaryDirectory() as folder:
        done = _mount(Path(folder), "size=4k")
        unmount_below(Path(folder))
    return done


def unmount_below(folder: Path) -> None:
    """Unmount what is mounted on a folder or below it."""
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    places = [re.sub(rb"\\(\d{3})", _character, line.split()[4]) for line in lines]
    for place in reversed(places):
        if (place + b"/").startswith(os.fsencode(folder) + b"/"):
            subprocess.run(
                [b"umount", b"--lazy", place], check=True
            )  # MLflow may still be writing


def _character(escaped: re.Match[bytes]) -> bytes:
    return bytes([int(escaped[1], 8)])


def _mount(place: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    return False


def _disk(case: Surroundings, options: str) -> Path:
    """Mount a disk in a place where the command writes; other changes of the case come first."""
    for change in case.rng.sample(OTHERS, case.rng.choice((0, 0, 1))):
        change(case)
        case.about.append(change.__name__)
    place = case.rng.choice(
        (case.here, case.here / "sweeps", case.here / "mlruns", case.root / "temporary")
    )
    if os.path.lexists(place) and (place.is_symlink() or not place.is_dir()):
        place = case.root / "temporary"
    place.mkdir(parents=True, exist_ok=True)
    if place.name == "temporary":
        case.environment["TMPDIR"] = str(place)
    kept = {path: path.read_bytes() for path in place.iterdir() if path.is_file()}
    assert _mount(place, options), "mounting was possible before"
    for path, content in kept.items():
        path.write_bytes(content)
    case.about.append(f"{options} on {place.name}")
    return place


def full_disk(case: Surroundings) -> None:
    place, room = _disk(case, f"size={SIZE}"), case.rng.choice(ROOMS)
    case.steps.append(partial(_fill, place, room))
    case.about.append(f"{room} bytes free")


def _fill(place: Path, room: int) -> None:
    """Write a file that leaves no more than `room` bytes."""
    status = os.statvfs(place)
    free = status.f_bavail * status.f_frsize
    with contextlib.suppress(OSError):
        (place / "filling").write_bytes(b"x" * max(0, free - room))


def disk_of_few_files(case: Surroundings) -> None:
    number = case.rng.choice((8, 14, 20, 30, 60))
    _disk(case, f"size={SIZE},nr_inodes={number}")


def read_only_disk(case: Surroundings) -> None:
    place = _disk(case, f"size={SIZE}")
    case.steps.append(partial(_close, place))


def _close(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)


OTHERS = [change for change in CHANGES if change not in (unwritable, deleted_working_folder)]
DISKS = (full_disk, disk_of_few_files, read_only_disk)
