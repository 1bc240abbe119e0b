"""Find the image files below given folders, and count the entries that are skipped."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainers.errors import DataError

__all__ = ["SUFFIXES", "ImageFiles", "find_images", "images_outside"]

SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm"}
    | {".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
ENDINGS = 5

HIDDEN = "hidden files and folders"
NAMED_LIKE_AN_IMAGE = "folders with an image's ending"
DANGLING = "dangling links"
REPEATED = "links to what is taken already"
SPECIAL = "neither files nor folders"
UNREADABLE = "not readable"
OF_THE_KERNEL = "files and folders of the kernel"
KERNEL = ("/proc", "/sys")


@dataclass(frozen=True)
class ImageFiles:
    """The image files of each folder, sorted, and how many entries were skipped, by reason."""

    files: tuple[tuple[Path, ...], ...]
    passed_over: Mapping[str, int]


def find_images(folders: Sequence[Path]) -> ImageFiles:
    """The files with an image's ending (`SUFFIXES`, in any case) at any depth below each folder.

    Links to files and folders are followed. Each file and each folder is taken once: at its own
    path, if that is below one of `folders`, else at the first link to it in the order of names.
    So cycles of links end, and no file is in two parts. Names that begin with a dot are skipped,
    and so are the file systems of the kernel (``/proc``, ``/sys``), whose links lead everywhere.

    Paths are those below `folders`, through the links, sorted by the bytes of their names,
    whatever the locale is. Raises `DataError` if one of `folders` cannot be listed.
    """
    search = _Search({os.path.realpath(folder) for folder in folders})
    found: list[list[str]] = [[] for _ in folders]
    for folder, files in zip(folders, found, strict=True):
        search.enter(str(folder), os.path.realpath(folder), files, top=True)
    search.follow_links()
    ordered = tuple(
        tuple(Path(name) for name in sorted(files, key=_parts_of_name)) for files in found
    )
    return ImageFiles(ordered, {**search.passed_over, **_endings(search.endings)})


def images_outside(folder: Path, files: ImageFiles, parts: Sequence[Path]) -> int:
    """The number of image files below `folder` neither in `parts` nor linked from them."""
    inside = {os.path.realpath(part) for part in parts}
    taken = {os.path.realpath(path) for part in files.files for path in part if path.is_symlink()}
    count = 0
    kernel = _kernel_devices()
    for place, folders, names in os.walk(os.path.realpath(folder)):
        if _device(place) in kernel:
            folders.clear()
            continue
        folders[:] = [
            one
            for one in folders
            if not one.startswith(".") and os.path.join(place, one) not in inside
        ]
        count += sum(
            _is_image(name) and os.path.join(place, name) not in taken
            for name in names
            if not name.startswith(".")
        )
    return count


class _Search:
    """State of one search: the real paths visited, and the links that are still to follow.

    Parameters
    ----------
    roots : real paths of the folders at which the search starts.
    """

    def __init__(self, roots: set[str]) -> None:
        self.roots = roots
        self.kernel = _kernel_devices()
        self.seen: set[str] = set()
        self.links: list[tuple[str, list[str]]] = []
        self.passed_over: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()

    def enter(self, shown: str, real: str, files: list[str], top: bool = False) -> None:
        """Add the images of a folder and its sub-folders to `files`; note its links for later."""
        if real in self.seen or (not top and real in self.roots):
            self.passed_over[REPEATED] += 1
            return
        self.seen.add(real)
        if _device(real) in self.kernel:
            self.passed_over[OF_THE_KERNEL] += 1
            return
        try:
            with os.scandir(real) as listing:
                entries = sorted(listing, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            if top:
                raise DataError(
                    f"the folder {shown} cannot be listed ({error.strerror}); set `folder` to "
                    "where the images are"
                ) from error
            self.passed_over[UNREADABLE] += 1
            return
        for entry in entries:
            self._sort(entry, os.path.join(shown, entry.name), files)

    def _sort(self, entry: os.DirEntry[str], shown: str, files: list[str]) -> None:
        if entry.name.startswith("."):
            self.passed_over[HIDDEN] += 1
        elif entry.is_symlink():
            self.links.append((shown, files))
        elif entry.is_dir(follow_symlinks=False):
            if _is_image(entry.name):
                self.passed_over[NAMED_LIKE_AN_IMAGE] += 1
            self.enter(shown, entry.path, files)
        elif entry.is_file(follow_symlinks=False):
            self._take(shown, entry.path, files)
        else:
            self.passed_over[SPECIAL] += 1

    def _take(self, shown: str, real: str, files: list[str]) -> None:
        if not _is_image(shown):
            self.endings[os.path.splitext(shown)[1].lower()] += 1
        elif real in self.seen:
            self.passed_over[REPEATED] += 1
        else:
            self.seen.add(real)
            files.append(shown)

    def follow_links(self) -> None:
        """Follow the links in the order of their names, then the links found that way."""
        while self.links:
            links, self.links = self.links, []
            for shown, files in sorted(links, key=lambda link: _parts_of_name(link[0])):
                self._follow(shown, files)

    def _follow(self, shown: str, files: list[str]) -> None:
        try:
            real = os.path.realpath(shown)
        except OSError:  # a link whose target is kept secret, or that was deleted meanwhile
            self.passed_over[UNREADABLE] += 1
            return
        if not os.path.exists(real):
            self.passed_over[DANGLING] += 1
        elif os.path.islink(real):  # from Python 3.13 on a secret target is no error
            self.passed_over[UNREADABLE] += 1
        elif _device(real) in self.kernel:
            self.passed_over[OF_THE_KERNEL] += 1
        elif os.path.isdir(real):
            below = os.path.join(real, "")
            if any(os.path.join(root, "").startswith(below) for root in self.roots):
                self.passed_over[REPEATED] += 1
            else:
                self.enter(shown, real, files)
        elif os.path.isfile(real):
            self._take(shown, real, files)
        else:
            self.passed_over[SPECIAL] += 1


def _kernel_devices() -> frozenset[int | None]:
    """The numbers of the devices of the kernel's file systems."""
    return frozenset(_device(place) for place in KERNEL if os.path.ismount(place))


def _device(path: str) -> int | None:
    """The number of the device that a file lies on; None if it cannot be told."""
    try:
        return os.stat(path).st_dev
    except OSError:
        return None


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES


def _parts_of_name(name: str) -> list[bytes]:
    return os.fsencode(name).split(os.fsencode(os.sep))


def _endings(counts: Counter[str]) -> dict[str, int]:
    """Counts of files without an image's ending: by ending for the commonest, else together."""
    common = dict(counts.most_common(ENDINGS))
    named = {
        f"files ending in {end}" if end else "files without an ending": n
        for end, n in common.items()
    }
    others = counts.total() - sum(common.values())
    return {**named, **({"files with other endings": others} if others else {})}
