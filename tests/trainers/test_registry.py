"""A folder of components is read at the first look-up."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from trainers.errors import BrokenComponent
from trainers.registry import Registry


def test_a_file_that_cannot_be_imported_is_named_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "some_parts"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "mine.py").write_text("import some_library_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry: Registry[object] = Registry("part", "some_parts")
    for _ in range(2):
        with pytest.raises(
            BrokenComponent,
            match=(
                r"some_parts/mine\.py cannot be imported \(ModuleNotFoundError: No module named"
            ),
        ):
            list(registry)
    (folder / "mine.py").write_text("")
    assert list(registry) == []


def test_a_file_that_breaks_after_its_component_is_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "other_parts"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from trainers.registry import Registry\n\nparts = Registry('part', 'other_parts')\n"
    )
    (folder / "mine.py").write_text(
        "from other_parts import parts\n\n\n@parts.register('mine')\nclass Mine:\n    pass\n"
        "\n\n1 / 0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    parts = importlib.import_module("other_parts").parts
    for _ in range(2):
        with pytest.raises(BrokenComponent, match="ZeroDivisionError: division by zero"):
            list(parts)
