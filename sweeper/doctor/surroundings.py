"""Checks of what a sweep uses outside the program: storage, tracking, data, Ray."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

from analysis.sources.tracking_address import sqlite_path, without_password
from sweeper.bucket.mirror import mirror_of
from sweeper.bucket.usable import require_usable
from sweeper.doctor.finding import Finding
from sweeper.errors import UserError
from sweeper.storage.addresses import check_writable, show_storage
from sweeper.storage.disk_space import shortage
from sweeper.tracking.connection import check_address, check_takes
from sweeper.tracking.server_check import Unwell
from trainers.fields import describe_fields

__all__ = ["data", "disk", "locks", "ray", "storage", "tracking"]


def storage(folder: Path) -> Finding:
    """Whether the storage can be written, and a bucket keeps the promises of one."""
    name = show_storage(folder)
    try:
        check_writable(folder)
        if mirror := mirror_of(folder):
            require_usable(mirror)
    except UserError as error:
        return Finding("storage", name, "stop", error.message)
    return Finding("storage", f"{name} can be written")


def disk(folder: Path) -> Finding:
    """The free space on the storage's disk."""
    place = _nearest(folder)
    free = f"{shutil.disk_usage(place).free / 1e9:.1f} GB free"
    short = shortage(place)
    return Finding("disk", free, "stop", short) if short else Finding("disk", free)


def locks(folder: Path) -> Finding:
    """Whether the storage's file system supports flock, which excludes a second driver."""
    try:
        with tempfile.NamedTemporaryFile(dir=_nearest(folder)) as first:
            fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with Path(first.name).open() as second:
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return Finding("locks", "the file system supports flock")
    except OSError as error:
        return Finding(
            "locks",
            f"flock fails: {error.strerror}",
            "stop",
            "choose a storage on another file system, with --storage",
        )
    return Finding(
        "locks",
        "flock is granted twice",
        "stop",
        "two drivers could run one sweep: mount it with locks, or choose another "
        "storage with --storage",
    )


def tracking(uri: str) -> Finding:
    """Whether MLflow's store takes what it is sent; a missing SQLite file is not created."""
    path, shown = sqlite_path(uri), without_password(uri)
    if path and not path.exists():
        if os.access(path.parent, os.W_OK):
            return Finding("tracking", f"{shown} will be made by the first sweep")
        return Finding(
            "tracking",
            shown,
            "stop",
            f"nothing can be written to {path.parent}; name another file with --tracking",
        )
    try:
        check_address(uri)
        check_takes(uri)
    except Unwell as error:
        return Finding(
            "tracking", shown, "note", f"{error.message}; trials are trained all the same"
        )
    except UserError as error:
        return Finding("tracking", shown, "stop", error.message)
    return Finding("tracking", f"{shown} answers and can be written")


def data() -> Finding:
    """Which data sets, with their default settings, are present and undamaged."""
    from trainers import TrainerError
    from trainers.datasets import DATASETS

    named = os.environ.get("SWEEPER_DATA")
    if named and not Path(named).expanduser().is_dir():
        return Finding(
            "data",
            f"SWEEPER_DATA names {named}, which is no folder",
            "stop",
            "correct it, or unset it",
        )
    whole, missing = list[str](), list[str]()
    for name in DATASETS:
        try:
            DATASETS.build({"name": name}).checksum()
            whole.append(name)
        except (TrainerError, OSError):
            missing.append(name)
        except TypeError:  # it has a field without default, so there are no files to check
            continue
    if not missing:
        return Finding("data", ", ".join(whole))
    fetched = [
        name
        for name in missing
        if "download" in {field.name for field in describe_fields(DATASETS[name])}
    ]
    return Finding(
        "data",
        f"{', '.join(whole)}; not {', '.join(missing)}",
        "note",
        "point SWEEPER_DATA to the folder that holds them"
        + bool(fetched) * (f", or set `download: true` for {', '.join(fetched)}"),
    )


def ray() -> Finding:
    """Whether Ray can be started on this machine; it is ended again."""
    from cluster.errors import ClusterError
    from cluster.local import Local

    begun, backend = time.monotonic(), Local()
    try:
        backend.connect()
    except ClusterError as error:
        return Finding("Ray", "local", "stop", str(error))
    took = time.monotonic() - begun
    backend.close()
    return Finding("Ray", f"local: ready after {took:.1f} s")


def _nearest(folder: Path) -> Path:
    """The folder, or its nearest existing parent."""
    return next(one for one in (folder, *folder.parents) if one.exists())
