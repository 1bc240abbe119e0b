"""What `plan` accepts `run` trains, and what it refuses `run` refuses in the same sentence."""

from __future__ import annotations

import codecs
import importlib
import io
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest

from sweeper.cli import main
from sweeper.driver import driver
from sweeper.terminal.stand_ins import allow_every_character
from tests.sweeper.fuzz.mounts import DISKS, can_mount, read_only_disk, unmount_below
from tests.sweeper.fuzz.surroundings import ENCODINGS, Change, Surroundings, drawn
from tests.sweeper.mlflow_view import THIRD_PARTY

pytestmark = THIRD_PARTY

NOBODY = 65534


@dataclass(frozen=True)
class Answer:
    """The exit code of a command, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        return self.err.partition("error: ")[2]


@pytest.fixture
def root() -> Iterator[Path]:
    """A folder with a short path that every user may enter."""
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="s"))
    folder.chmod(0o755)
    before = Path.cwd()
    yield folder
    os.chdir(before)
    unmount_below(folder)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink() and path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)  # MLflow may still be writing


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import what the commands import later: another user may not read this one's Python."""
    case = Surroundings(random.Random(0), *[tmp_path_factory.mktemp("first")] * 2)
    case.write_grid()
    with _entered(case):
        assert _call(["plan", case.grid], "utf-8").code == 0
        assert _call(["run", "--inline", case.grid], "utf-8").code == 0
    importlib.import_module("cProfile")
    for encoding in ENCODINGS:
        codecs.lookup(encoding)


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize("seed", range(25))
def test_plan_and_run_agree(seed: int, root: Path, blank_store: Path) -> None:
    _check(seed, root, blank_store)


@pytest.mark.slow
@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize("start", range(25, 225, 50))
def test_plan_and_run_agree_in_more_surroundings(
    start: int, root: Path, blank_store: Path
) -> None:
    for seed in range(start, start + 50):
        _check(seed, _folder_within(root, seed), blank_store)


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="needs the right to mount a tmpfs (root does)")
@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize("disk", DISKS)
def test_plan_and_run_agree_on_disks_that_take_little(
    disk: Change, root: Path, blank_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room may run out after the plan, in the middle of a run, which then says so."""
    monkeypatch.setattr(driver, "PATIENCE", 5.0)  # it waits as long for a store that has no room
    for seed in range(8):
        _check(seed, _folder_within(root, seed), blank_store, disk)


def _folder_within(root: Path, seed: int) -> Path:
    folder = root / str(seed)
    folder.mkdir()
    return folder


def _check(seed: int, root: Path, blank_store: Path, disk: Change | None = None) -> None:
    case = drawn(random.Random(seed), root, [disk] if disk else None)
    if seed % 4 and case.here.is_dir() and not os.path.lexists(case.here / "mlflow.db"):
        with suppress(OSError):
            shutil.copy(blank_store, case.here / "mlflow.db")
    for step in case.steps:
        step()
    with _entered(case):
        plan = _call(["plan", *case.options, "--", case.grid], case.encoding)
        run = _call(["run", "--inline", *case.options, "--", case.grid], case.encoding)
    said = f"seed {seed}: {case.about}\n{plan}\n{run}"
    assert plan.code in (0, 2), said
    if disk and disk is not read_only_disk and (plan.code, run.code) == (0, 2):
        assert run.sentence.strip(), said
    elif plan.code == 0:
        assert run.code in ((0, 1, 3) if disk else (0, 1)), said
        assert "1 of 1 trials finished" in run.out or "failed" in run.out, said
    else:
        assert (run.code, run.sentence) == (2, plan.sentence), said
        assert plan.sentence.strip(), said


@contextmanager
def _entered(case: Surroundings) -> Iterator[None]:
    """Be in the folder and the environment of the case, and its user where it asks for one."""
    before = dict(os.environ)
    home = case.here if case.here.is_dir() else case.root
    locked = case.environment.pop("SWEEPER_TEST_LOCKED", None)
    if not case.here.is_dir():
        home.joinpath("gone").mkdir()
        os.chdir(home / "gone")
        (home / "gone").rmdir()
    else:
        os.chdir(case.here)
    for name, value in case.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    tempfile.tempdir = None
    privileged = os.geteuid() == 0
    other_user = case.unprivileged and privileged and _anybody_may_read(Path(mlflow.__file__))
    try:
        if other_user:
            for path in (case.root, *case.root.rglob("*")):
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        if locked and os.path.exists(locked):
            os.chmod(locked, 0o555 if os.path.isdir(locked) else 0o444)
        if other_user:
            os.setresgid(NOBODY, NOBODY, 0)
            os.setresuid(NOBODY, NOBODY, 0)
        yield
    finally:
        if privileged:
            os.setresuid(0, 0, 0)
            os.setresgid(0, 0, 0)
        os.environ.clear()
        os.environ.update(before)
        tempfile.tempdir = None


def _anybody_may_read(path: Path) -> bool:
    """Whether a user without rights may open the file, as new stores need MLflow's migrations."""
    return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents) and bool(
        path.stat().st_mode & 0o004
    )


def _call(arguments: list[str], encoding: str) -> Answer:
    """Run a command in this process, with pipes of the encoding."""
    streams = sys.stdout, sys.stderr
    pipes = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in streams]
    sys.stdout, sys.stderr = pipes
    try:
        allow_every_character()
        code = main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout, sys.stderr = streams
    out, err = (_text(pipe) for pipe in pipes)
    return Answer(code, out, err)


def _text(pipe: io.TextIOWrapper) -> str:
    pipe.flush()
    written = pipe.buffer.getvalue()  # type: ignore[attr-defined]
    return re.sub(r"\x1b\[[0-9;]*m", "", written.decode(pipe.encoding))
