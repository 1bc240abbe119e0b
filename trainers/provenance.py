"""Provenance of results: program, versions and machine, and in what two machines differ."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import platform
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = [
    "PACKAGES",
    "VERSIONED",
    "Machine",
    "code",
    "machine",
    "processor",
    "project",
    "provenance",
    "source_digest",
    "sweep_provenance",
]

PACKAGES = ("sweeper", "trainers", "analysis", "cluster")
VERSIONED = ("sweeper", "torch", "numpy", "ray", "mlflow")
Machine = Mapping[str, str]


def sweep_provenance() -> dict[str, Any]:
    """The ``provenance`` entry of `sweep.json`: also the repository of the working folder."""
    return {**provenance(), "project": project(Path.cwd())}


def project(folder: Path) -> dict[str, Any] | None:
    """The commit of the folder's git repository, and whether tracked files differ from it.

    With the address of its remote ``origin``, without a password, if there is one. None outside
    of git, and in the program's own repository, whose commit stands beside it.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    own = _git(Path(__file__).parent, "rev-parse", "--show-toplevel")
    commit = _git(folder, "rev-parse", "HEAD") if top and top != own else None
    if commit is None:
        return None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    origin = _git(folder, "remote", "get-url", "origin")
    address = {"origin": re.sub(r"//[^/@]*@", "//", origin)} if origin else {}
    return {"commit": commit, "dirty": bool(changes), **address}


def provenance() -> dict[str, Any]:
    """The program, versions and machine of a run."""
    return {
        **code(),
        "source": source_digest(),
        "versions": versions(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        **processor(),
    }


def machine() -> Machine:
    """What must be equal on two machines for a trial to give the same result to the last bit."""
    found = versions()
    return {
        "source": source_digest(),
        "python": platform.python_version(),
        "torch": found["torch"],
        "numpy": found["numpy"],
        **processor(),
    }


@functools.cache
def source_digest() -> str:
    """SHA-256 (12 hex digits) of the names and texts of this program's modules."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:12]


@functools.cache
def processor() -> Machine:
    """The processor's kind, and the instruction set that torch uses of it."""
    import torch

    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": named[0] if named else platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


@functools.cache
def code() -> Mapping[str, Any]:
    """The git commit of this program and whether its files differ from it; None outside of git."""
    folder = Path(__file__).parent
    commit = _git(folder, "rev-parse", "HEAD") if _is_tracked(folder) else None
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no") if commit else None
    return {"git_commit": commit, "git_dirty": None if changes is None else bool(changes)}


@functools.cache
def versions() -> dict[str, str]:
    """The versions of this program and of the libraries that it computes with."""
    found = {}
    for name in VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _is_tracked(folder: Path) -> bool:
    """Whether git tracks the folder; False if this program is installed in another repository."""
    return _git(folder, "ls-files", "--error-unmatch", Path(__file__).name) is not None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
