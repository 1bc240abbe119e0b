"""A registry finds the components of its folders: a new file there is a new name everywhere.

Components of the user's own come from files outside (`trainers.component_files`).
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from trainers import component_files
from trainers.component_files import Entry
from trainers.errors import BrokenComponent, UnknownName

__all__ = ["Registry", "name_of"]

T = TypeVar("T")
C = TypeVar("C", bound=type)


def name_of(component: Any) -> str:
    """The name that a component's class is registered under.

    `Registry.register` gives the class its ``name``, which type checkers therefore do not see,
    and which no protocol asks for.
    """
    return str(component.name)


class Registry(Generic[T]):
    """Maps names to the component classes defined in the modules of its packages.

    Parameters
    ----------
    kind : what one entry is called in messages, e.g. ``"likelihood"``.
    packages : dotted names of the folders; their modules are imported at the first look-up.
    """

    def __init__(self, kind: str, *packages: str) -> None:
        self.kind = kind
        self._packages = packages
        self._entries: dict[str, type[T]] = {}
        self._loaded = False

    def register(self, name: str) -> Callable[[C], C]:
        """Decorate a frozen dataclass to enter it under `name`.

        A class from a file of the user's own gets the hash of that file as `code_sha256`.
        """

        def enter(cls: C) -> C:
            if file := component_files.file_of(cls):
                self._load()
                component_files.enter(file, Entry(self.kind, name, cls), name in self._entries)
                cls.name, cls.code_sha256 = name, file.sha256  # type: ignore[attr-defined]
                return cls
            assert name not in self._entries, f"{self.kind} {name!r} is registered twice"
            cls.name = name  # type: ignore[attr-defined]
            self._entries[name] = cls
            return cls

        return enter

    def __getitem__(self, name: str) -> type[T]:
        known = self._known()
        if name in known:
            return known[name]
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UnknownName(f"unknown {self.kind} {name!r}{hint} (known: {', '.join(self)})")

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._known()))

    def __len__(self) -> int:
        return len(self._known())

    def __contains__(self, name: object) -> bool:
        return name in self._known()

    def summary(self, name: str) -> str:
        """The first line of the component's docstring."""
        return (inspect.getdoc(self[name]) or "").partition("\n")[0]

    def reference(self, name: str) -> str:
        """Where the component comes from: authors, year, arXiv number, equation."""
        return str(getattr(self[name], "reference", ""))

    def build(self, config: dict[str, Any]) -> T:
        """Build a component from ``{"name": ..., field: value, ...}``.

        ``source`` is the hash of the file that it comes from, for one of the user's own.
        """
        settings = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in config.items()
            if key not in ("name", "source")
        }
        return self._version(config["name"], config.get("source"))(**settings)

    def _version(self, name: str, source: str | None) -> type[T]:
        if source is None:
            return self[name]
        found = component_files.with_hash(self.kind, name, source)
        if found is None:
            raise UnknownName(
                f"the {self.kind} {name!r} comes from a file that was not loaded "
                f"(SHA-256 {source[:16]}…)"
            )
        return found

    def _known(self) -> dict[str, type[T]]:
        """Those of the folders, and those of the files that a grid brings."""
        self._load()
        return self._entries | component_files.offered(self.kind)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        folders = [importlib.import_module(package) for package in self._packages]
        for name in (
            f"{folder.__name__}.{module.name}"
            for folder in folders
            for module in pkgutil.iter_modules(folder.__path__)
        ):
            try:
                importlib.import_module(name)
            except Exception as error:
                self._loaded = False
                self._entries = {
                    known: one for known, one in self._entries.items() if one.__module__ != name
                }
                raise BrokenComponent(
                    f"the file {name.replace('.', '/')}.py cannot be imported "
                    f"({type(error).__name__}: {error}); mend it, or take it out of the folder"
                ) from error
