"""Provenance: the commit of the program's own repository, or none."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from sweeper import import_path
from trainers import provenance


@pytest.fixture(autouse=True)
def _fresh() -> None:
    provenance.code.cache_clear()


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which the program seems to lie."""
    git(tmp_path, "init", "-q")
    file = tmp_path / "provenance.py"
    file.write_text("")
    monkeypatch.setattr(provenance, "__file__", str(file))
    return tmp_path


def test_the_commit_and_whether_files_differ(installed: Path) -> None:
    git(installed, "add", ".")
    git(installed, "commit", "-qm", "first")
    head = git(installed, "rev-parse", "HEAD")
    assert provenance.code() == {"git_commit": head, "git_dirty": False}
    provenance.code.cache_clear()
    (installed / "provenance.py").write_text("changed")
    assert provenance.code() == {"git_commit": head, "git_dirty": True}


@pytest.mark.usefixtures("installed")
def test_somebody_elses_repository_says_nothing() -> None:
    assert provenance.code() == {"git_commit": None, "git_dirty": None}


def test_a_sweep_names_the_repository_of_its_folder(
    installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    theirs = tmp_path_factory.mktemp("theirs")
    assert provenance.project(theirs) is None
    git(theirs, "init", "-q")
    assert provenance.project(theirs) is None, "no commit yet"
    (theirs / "grid.yaml").write_text("")
    git(theirs, "add", ".")
    git(theirs, "commit", "-qm", "a grid")
    head = git(theirs, "rev-parse", "HEAD")
    (theirs / "sweeps").mkdir()
    assert provenance.project(theirs / "sweeps") == {"commit": head, "dirty": False}
    (theirs / "grid.yaml").write_text("changed")
    assert provenance.project(theirs) == {"commit": head, "dirty": True}
    git(theirs, "remote", "add", "origin", "https://me:secret@example.org/theirs.git")
    assert (provenance.project(theirs) or {})["origin"] == "https://example.org/theirs.git"
    git(installed, "add", ".")
    git(installed, "commit", "-qm", "the program")
    assert provenance.project(installed) is None, "its commit stands beside it"


def test_no_git_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.code() == {"git_commit": None, "git_dirty": None}


def test_the_digest_is_that_of_the_modules_and_of_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their names and their texts, wherever they are installed."""
    digests = []
    for name, module, text in (
        ("one", "optim.py", "rate = 1.0"),
        ("two", "optim.py", "rate = 1.0"),
        ("three", "optim.py", "rate = 0.5"),
        ("four", "adam.py", "rate = 1.0"),
    ):
        root = tmp_path / name
        for package in provenance.PACKAGES:
            (root / package / "storage").mkdir(parents=True)
        (root / "trainers" / module).write_text(text)
        (root / "trainers" / "notes.txt").write_text(name)
        with monkeypatch.context() as patch:
            patch.setattr(provenance, "__file__", str(root / "trainers" / "provenance.py"))
            provenance.source_digest.cache_clear()
            digests.append(provenance.source_digest())
    provenance.source_digest.cache_clear()
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_what_decides_the_last_bits_stands_in_the_provenance() -> None:
    found, machine = provenance.provenance(), provenance.machine()
    flat = found | found["versions"]
    assert {name: flat[name] for name in machine} == dict(machine)
    assert set(machine) == {"source", "python", "torch", "numpy", "cpu", "instructions"}


def test_the_digest_is_over_the_packages_of_the_program() -> None:
    assert provenance.PACKAGES == import_path.PACKAGES


def test_all_of_it_is_json() -> None:
    found = provenance.provenance()
    assert json.loads(json.dumps(found)) == found
    assert {"torch", "ray", "mlflow", "sweeper"} <= set(found["versions"])
