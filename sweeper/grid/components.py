"""Components that a grid brings: files beside it, and entry points of installed packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from sweeper.errors import Address, UserError, render_address
from sweeper.grid.complaints import nearest
from sweeper.grid.document import Document
from sweeper.storage.stored_code import as_user_error
from trainers import component_files
from trainers.component_files import ComponentFile
from trainers.errors import BrokenComponent

__all__ = ["GROUP", "bring_components", "installed", "load_component_file", "refused"]

GROUP = "sweeper.components"


def bring_components(
    document: Document, named: Sequence[str], stored: Mapping[str, Path] | None = None
) -> dict[str, ComponentFile]:
    """Load what the grid names, and let its blocks name what that registers, nothing else.

    `stored` says where each of them is kept, for the grid of a sweep in the storage.
    """
    files = {}
    for position, name in enumerate(named):
        address: Address = ("components", position)
        with document.mistakes.independent():
            path = stored.get(name) if stored else _find(document, address, name)
            if path is None or not path.is_file():
                raise document.error(f"there is no file {path or name}", address)
            files[name] = load_component_file(path)
    if len(files) < len(set(named)):
        document.mistakes.stop()
    with refused():
        component_files.offer(list(files.values()))
    return files


def load_component_file(path: Path) -> ComponentFile:
    """Load one file; `UserError` says what is wrong with it, and on which line."""
    with refused():
        return component_files.load(path)


@contextmanager
def refused() -> Iterator[None]:
    """Turn whatever a component of the user's own does wrong into a `UserError` with its line."""
    try:
        with component_files.blamed(UserError):
            yield
    except BrokenComponent as error:
        raise as_user_error(error) from error


def installed() -> dict[str, EntryPoint]:
    """The modules that installed packages offer as components, by name."""
    return {found.name: found for found in entry_points(group=GROUP)}


def _find(document: Document, address: Address, name: str) -> Path | None:
    """A path that ends in .py, from the grid's folder on; else the name of an entry point."""
    if name.endswith(".py"):
        return (Path(document.file).parent / Path(name).expanduser()).absolute()
    known = installed()
    if name not in known:
        raise document.error(
            f"no installed package offers components called {name!r}{nearest(name, known)} "
            f"(known: {', '.join(known) or 'none'}; a file is named as in bars.py)",
            address,
        )
    try:
        spec = find_spec(known[name].module)
    except ImportError as error:
        raise UserError(
            f"the entry point {known[name].value!r} cannot be found: {error}",
            document.file,
            document.line(address),
            render_address(address),
        ) from error
    return Path(spec.origin) if spec and spec.origin else None
