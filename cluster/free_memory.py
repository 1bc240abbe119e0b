"""The main memory that is free, on the machine or in the container if that has less."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

__all__ = ["free_memory"]

CGROUP, MEMINFO = Path("/sys/fs/cgroup"), Path("/proc/meminfo")


def free_memory() -> tuple[int, int] | None:
    """Bytes that are free, and bytes in all; None if the system does not say."""
    try:
        rows = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
        free, total = (int(rows[key].split()[0]) * 1024 for key in ("MemAvailable", "MemTotal"))
    except (OSError, KeyError):
        return None
    with suppress(OSError, ValueError):  # "max" is no number
        limit, used = (
            int((CGROUP / name).read_text()) for name in ("memory.max", "memory.current")
        )
        if limit < total:
            free, total = min(free, limit - used), limit
    return free, total
