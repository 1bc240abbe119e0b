"""Nobody else enters the folder of a Ray that is started here."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.session_folder import session_folder

NOBODY = 65534
OWNER = """
import sys
from cluster.session_folder import session_folder
with session_folder() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as another user")
def test_another_user_cannot_list_it_whatever_rights_ray_gives() -> None:
    with session_folder() as folder:
        folder.mkdir()
        folder.chmod(0o777)
        private = subprocess.run(["ls", folder], user=NOBODY, capture_output=True, check=False)
        folder.parent.chmod(0o711)
        shared = subprocess.run(["ls", folder], user=NOBODY, capture_output=True, check=False)
    assert (private.returncode != 0, shared.returncode) == (True, 0)
    assert not folder.parent.exists()


def test_a_name_that_is_too_long_for_sockets_is_not_used_unless_it_is_rays_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with session_folder() as folder:
        assert folder.parent.parent == Path("/tmp")
    monkeypatch.setenv("RAY_TMPDIR", str(long))
    with pytest.raises(ClusterError, match="RAY_TMPDIR=/tmp"), session_folder():
        pass


def test_it_is_private_and_new_each_time() -> None:
    before = os.umask(0)
    try:
        with session_folder() as first, session_folder() as second:
            modes = {one.parent.stat().st_mode & 0o777 for one in (first, second)}
    finally:
        os.umask(before)
    assert (modes, first == second) == ({0o700}, False)


@contextmanager
def owner(above: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has a folder for Ray, which it leaves as it is killed after the block."""
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env=os.environ | {"RAY_TMPDIR": str(above)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.fixture
def above(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files, whose name is short."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        monkeypatch.setenv("RAY_TMPDIR", name)
        yield Path(name)


def test_that_of_a_process_that_was_killed_is_removed(above: Path) -> None:
    with owner(above) as (_, alive), owner(above) as (process, dead):
        (dead / "logs").mkdir(parents=True)
        process.kill()
        process.wait()
        with session_folder() as own:
            assert set(above.iterdir()) == {alive.parent, own.parent}


def test_one_whose_owner_is_unknown_or_whose_ray_still_runs_stays(above: Path) -> None:
    unknown = above / "ray-unknown"
    unknown.mkdir()
    with owner(above) as (process, dead):
        process.kill()
        process.wait()
    code = "import sys; print(flush=True); sys.stdin.read()"
    sleeper = [sys.executable, "-c", code, f"--log={dead}/logs"]
    with subprocess.Popen(sleeper, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as still:
        assert still.stdout
        still.stdout.readline()  # it has begun, so that its command line is there
        with session_folder():
            assert {dead.parent, unknown} <= set(above.iterdir())
        still.communicate()
    with session_folder() as own:
        assert set(above.iterdir()) == {unknown, own.parent}


def test_one_that_was_written_again_after_its_end_is_removed_later(above: Path) -> None:
    """And no other folder whose name begins like that, however old."""
    again, new, others = above / "ray-again", above / "ray-new", above / "ray-notes"
    for folder in (again, new, others):
        (folder / "r" / "session_2026-01-01_00-00-00_000000_1" / "logs").mkdir(parents=True)
    (others / "notes.txt").touch()
    for folder in (again, others):
        os.utime(folder, (0, 0))
    with session_folder() as own:
        assert set(above.iterdir()) == {new, others, own.parent}
