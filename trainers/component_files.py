"""Components of the user's own: files outside the package, each known by the hash of its text.

A file registers its components by the same decorators as those of the package. Two versions of
one file may be loaded in one process: a stored trial names the hash of the one that it was
trained by, and a grid the names that it brings (`offer`).
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, is_dataclass, replace
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from trainers.errors import BrokenComponent, TrainerError
from trainers.fields import describe_fields

__all__ = [
    "ComponentFile",
    "Entry",
    "blamed",
    "file_of",
    "load",
    "offer",
    "offered",
    "run_file",
    "with_hash",
]

PREFIX = "component_"
BEHAVIOUR = (FunctionType, property, classmethod, staticmethod, type)


@dataclass(frozen=True)
class Entry:
    """One component of a file: the `kind` of its registry, such as ``"data set"``."""

    kind: str
    name: str
    component: type[Any]


@dataclass(frozen=True)
class ComponentFile:
    """A loaded file: where it was read, its text and hash, and what it registered."""

    path: Path
    text: bytes
    module: ModuleType
    entries: list[Entry] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()

    def line(self, cls: type[Any] | None, member: str = "") -> int | None:
        """Where a class, or what it says of a member, begins."""
        for node in ast.walk(ast.parse(self.text)):
            if cls and isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                inner = (one.lineno for one in node.body if member in _bound_names(one))
                return next(inner, node.lineno)
        return None

    def error(self, message: str, cls: type[Any] | None = None, member: str = "") -> Exception:
        """The error to raise for a component of this file."""
        return BrokenComponent(message, str(self.path), self.line(cls, member))


_LOADED: dict[str, ComponentFile] = {}
_OFFERED: list[ComponentFile] = []


def load(path: Path) -> ComponentFile:
    """Run a file that registers components, once for each version of its text.

    Raises `BrokenComponent`, with the line, where it cannot be imported, registers nothing, or
    registers what is no component.
    """
    text, module = _read(path)
    if known := _LOADED.get(module.__name__):
        return replace(known, path=path)
    file = _LOADED[module.__name__] = ComponentFile(path, text, module)
    try:
        _execute(file)
        for entry in file.entries:
            _require_types(file, entry.component)
        if not file.entries:
            raise file.error(
                "a file of components registers at least one, and this one registers none; "
                'write a decorator such as @DATASETS.register("bars") above the class'
            )
    except BaseException:
        del _LOADED[module.__name__]
        sys.modules.pop(module.__name__, None)
        raise
    return file


def run_file(path: Path) -> ModuleType:
    """Run a file that registers nothing, such as one that defines a figure."""
    text, module = _read(path)
    _execute(ComponentFile(path, text, module))
    return module


def offer(files: Sequence[ComponentFile]) -> None:
    """Let grids name the components of these files, and of no other ones.

    Raises `BrokenComponent` where two of them register one name.
    """
    seen: dict[tuple[str, str], ComponentFile] = {}
    for file in files:
        for entry in file.entries:
            first = seen.setdefault((entry.kind, entry.name), file)
            if first.sha256 != file.sha256:
                raise file.error(
                    f"the {entry.kind} {entry.name!r} is registered by {first.path}, too; "
                    "give one of them another name",
                    entry.component,
                )
    _OFFERED[:] = files


def offered(kind: str) -> dict[str, type[Any]]:
    """The components of the user's own that grids may name now."""
    return {
        entry.name: entry.component
        for file in _OFFERED
        for entry in file.entries
        if entry.kind == kind
    }


def with_hash(kind: str, name: str, sha256: str) -> type[Any] | None:
    """A component of a certain version of a file; None where that was not loaded."""
    file = _LOADED.get(PREFIX + sha256)
    found = file.entries if file else ()
    return next((one.component for one in found if (one.kind, one.name) == (kind, name)), None)


def file_of(cls: type[Any]) -> ComponentFile | None:
    """The file that a class was loaded from; None for what comes with the package."""
    return _LOADED.get(cls.__module__)


@contextmanager
def blamed(*passing: type[Exception]) -> Iterator[None]:
    """Turn an exception out of a user's file into a `BrokenComponent` with file and line.

    Those of `trainers`, and those that are `passing`, say themselves what is wrong.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (TrainerError, *passing)):
            raise
        for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
            if file := _LOADED.get(frame.f_globals.get("__name__", "")):
                raise BrokenComponent(_said(error), str(file.path), line) from error
        raise


def _read(path: Path) -> tuple[bytes, ModuleType]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BrokenComponent(f"cannot be read: {error.strerror or error}", str(path)) from error
    return text, ModuleType(PREFIX + hashlib.sha256(text).hexdigest())


def _execute(file: ComponentFile) -> None:
    """Run the text that was hashed, whatever stands in the file by now."""
    module = file.module
    module.__file__ = str(file.path)
    sys.modules[module.__name__] = module
    try:
        exec(compile(file.text, str(file.path), "exec", dont_inherit=True), vars(module))
    except BrokenComponent:
        raise
    except (Exception, SystemExit) as error:
        raise BrokenComponent(
            f"cannot be imported: {_said(error)}", str(file.path), _failing_line(file, error)
        ) from error


def _failing_line(file: ComponentFile, error: BaseException) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == str(file.path):
        return error.lineno
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == file.module.__name__
    ]
    return lines[-1] if lines else None


def _said(error: BaseException) -> str:
    reason = error.msg if isinstance(error, SyntaxError) else error
    return f"{type(error).__name__}: {reason}"


def _bound_names(node: ast.stmt) -> list[str]:
    """The names that a statement of a class's body gives a value, a type or a method."""
    if isinstance(node, ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def enter(file: ComponentFile, entry: Entry, exists: bool) -> None:
    """Take a component in that a file registers; `BrokenComponent` for what is none."""
    cls, named = entry.component, f"the {entry.kind} {entry.name!r}"
    if exists or any((one.kind, one.name) == (entry.kind, entry.name) for one in file.entries):
        raise file.error(f"{named} exists already; register it under another name", cls)
    if not is_dataclass(cls) or not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise file.error(
            f"{named} must be a frozen dataclass, and {cls.__name__} is not; write "
            "@dataclass(frozen=True, kw_only=True) below the decorator that registers it",
            cls,
        )
    if "source" in inspect.get_annotations(cls):
        raise file.error(
            f"{named} has a field `source`, which is the name for the file's hash; rename it",
            cls,
            "source",
        )
    for member, value in vars(cls).items():
        own = member in inspect.get_annotations(cls) or member.startswith("_")
        if not own and not isinstance(value, BEHAVIOUR):
            raise file.error(
                f"every field has a type, and `{member} = {value!r}` of {cls.__name__} has none; "
                f"write `{member}: Scale = {value!r}` (or another type of trainers.fields) for a "
                f"hyperparameter, and `{member}: ClassVar[{type(value).__name__}]` for a constant",
                cls,
                member,
            )
    file.entries.append(entry)


def _require_types(file: ComponentFile, cls: type[Any]) -> None:
    try:
        describe_fields(cls)
    except Exception as error:
        raise file.error(
            f"the types of the fields of {cls.__name__} cannot be read ({_said(error)}); "
            "import each of them, for example from trainers.fields",
            cls,
        ) from error
