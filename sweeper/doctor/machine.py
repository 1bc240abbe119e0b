"""Checks of the installation and the machine: versions, cores, memory, processor, GPU."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from contextlib import suppress
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from cluster.cores import allowed_cores, machine_load
from cluster.free_memory import free_memory
from sweeper.doctor.finding import Finding

__all__ = ["cores", "gpu", "memory", "packages", "processor", "python", "unmet"]

PACKAGE = "sweeper"
FEATURES = {"avx2": "AVX2", "avx512f": "AVX-512", "amx_bf16": "AMX (bfloat16)"}
LEAST = 2_000_000_000  # bytes for a driver, Ray, and one worker with torch


def python() -> Finding:
    """Python's version against the range that the package declares."""
    asked = importlib.metadata.metadata(PACKAGE)["Requires-Python"]
    found = platform.python_version()
    if SpecifierSet(asked).contains(found, prereleases=True):
        return Finding("Python", f"{found} ({asked})")
    return Finding("Python", found, "stop", f"install Python {asked}")


def packages() -> list[Finding]:
    """One finding that counts the packages that fit, and one for each that does not."""
    asked = [
        one
        for one in map(Requirement, importlib.metadata.requires(PACKAGE) or [])
        if not one.marker or one.marker.evaluate({"extra": ""})
    ]
    wrong = [finding for one in asked if (finding := unmet(one))]
    fit = Finding("packages", f"{len(asked) - len(wrong)} of {len(asked)} within their ranges")
    return [fit, *wrong]


def unmet(asked: Requirement) -> Finding | None:
    """The problem of an installed package; None if it meets the requirement."""
    try:
        found = importlib.metadata.version(asked.name)
    except importlib.metadata.PackageNotFoundError:
        found = "missing"
    if found != "missing" and asked.specifier.contains(found, prereleases=True):
        return None
    return Finding(asked.name, f"{found} ({asked.specifier})", "stop", f"pip install '{asked}'")


def cores() -> Finding:
    """The processor cores that this process may use, and how busy they are."""
    count, there, busy = allowed_cores(), os.cpu_count() or 1, machine_load()
    of = f" of {there}" if count < there else ""
    text = f"{count}{of}, and {busy:.1f} programs that use them"
    if busy > count:
        return Finding("cores", text, "note", "other programs are running: a sweep takes longer")
    return Finding("cores", text)


def memory() -> Finding:
    """Free memory, of the machine or of the container if that has less."""
    found = free_memory()
    if found is None:
        return Finding("memory", "unknown")
    free, total = found
    text = f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB"
    if free < LEAST:
        return Finding("memory", text, "note", "end other programs, or train with --inline")
    return Finding("memory", text)


def processor() -> Finding:
    """The processor's features that affect the speed of training."""
    lines = _read(Path("/proc/cpuinfo")).splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    found = [name for flag, name in FEATURES.items() if flag in flags]
    return Finding("processor", f"{platform.machine()}, {', '.join(found) or 'no AVX2'}")


def gpu() -> Finding:
    """The GPUs that torch can use."""
    import torch

    names = (
        [
            f"{torch.cuda.get_device_name(i)}, "
            f"{torch.cuda.get_device_properties(i).total_memory / 1e9:.0f} GB"
            for i in range(torch.cuda.device_count())
        ]
        if torch.cuda.is_available()
        else []
    )
    if names:
        return Finding("GPU", "; ".join(names))
    if list(Path("/dev").glob("nvidia[0-9]*")):
        return Finding(
            "GPU",
            f"there is one, and torch {torch.__version__} cannot use it",
            "note",
            "install the torch that fits the driver (nvidia-smi shows its version)",
        )
    return Finding("GPU", "none: trials run on the processor")


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text().strip()
    return ""
