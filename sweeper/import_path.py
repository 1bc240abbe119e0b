"""Order the import path: installed modules before files in the user's folders."""

from __future__ import annotations

import os
import sys
import sysconfig
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

__all__ = ["PACKAGES", "ROOT", "prefer_installed"]

PACKAGES = ("sweeper", "trainers", "analysis", "cluster")
ROOT = Path(__file__).resolve().parents[1]


def prefer_installed() -> str | None:
    """Move the working directory and the folders of PYTHONPATH to the end of the import path.

    Processes that are started afterwards get this order by PYTHONPATH. The folder that holds
    `sweeper` itself keeps its place. Returns a sentence with the remedy if one of the user's files
    is still imported instead of an installed module, and None otherwise.
    """
    folders = _folders_of_the_user()
    own = [path for path in sys.path if _resolved(path) in folders]
    sys.path[:] = [path for path in sys.path if path not in own] + own
    if os.environ.get("PYTHONPATH"):
        os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return _shadowed(folders)


def _folders_of_the_user() -> set[Path]:
    """The working directory and the folders of PYTHONPATH, without those of the installation."""
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    installed = [
        sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
    ]
    user = {folder for path in ("", *paths) if (folder := _resolved(path))}
    return user - {_resolved(path) for path in installed} - {ROOT}


def _resolved(path: str) -> Path | None:
    """An absolute folder of the import path ("": working directory); None if it was deleted."""
    with suppress(OSError):
        return Path(os.path.realpath(path))
    return None


def _shadowed(folders: set[Path]) -> str | None:
    """The first module that is imported from these folders instead of from its installation.

    Python imports a few modules of its own before `prefer_installed` can be called.
    """
    for name in sorted(sys.stdlib_module_names & sys.modules.keys()):
        file = getattr(sys.modules[name], "__file__", None)
        if file and _folder(file) in folders:
            return _sentence(file, f"Python's module `{name}`")
    for name in PACKAGES:
        spec = find_spec(name)
        file = spec.origin if spec else None
        if not file or _folder(file) != ROOT:
            return _sentence(file or f"a folder {name}", f"sweeper's package `{name}`")
    return None


def _folder(file: str) -> Path:
    """The folder of the import path in which a module was found."""
    path = Path(file).resolve()
    return path.parents[1] if path.name == "__init__.py" else path.parent


def _sentence(file: str, module: str) -> str:
    return (
        f"{file} is imported in place of {module}; rename it, take its folder out of "
        "PYTHONPATH, or start sweeper from another folder"
    )
