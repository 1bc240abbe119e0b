"""Provenance of results: git commit, versions and machine."""

from __future__ import annotations

import functools
import importlib.metadata
import platform
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["VERSIONED", "code", "provenance"]

VERSIONED = ("sweeper", "torch", "numpy", "ray", "mlflow")


def provenance() -> dict[str, Any]:
    """The ``provenance`` entry of `sweep.json`: the program, versions and machine of the run."""
    return {
        **code(),
        "versions": versions(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
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
