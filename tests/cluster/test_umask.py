"""What a thread starts is kept from others, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.umask import private_children

CHILD = """
import os, sys
from pathlib import Path
from cluster.umask import restore_umask
folder = Path(sys.argv[1])
(folder / "rays").touch()
restore_umask()
(folder / "trained").touch()
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Path]:
    """A folder, in a process whose files the group may write."""
    before = os.umask(0o002)
    try:
        yield tmp_path
    finally:
        os.umask(before)


def test_only_the_children_of_the_thread_keep_their_files_to_themselves(shared: Path) -> None:
    started, made = threading.Event(), threading.Event()

    def start() -> None:
        with private_children():
            started.set()
            assert made.wait(60)
            subprocess.run([sys.executable, "-c", CHILD, str(shared)], check=True)
        (shared / "after").touch()

    thread = threading.Thread(target=start)
    thread.start()
    assert started.wait(60)
    (shared / "meanwhile").touch()
    made.set()
    thread.join()
    modes = {path.name: mode(path) for path in shared.iterdir()}
    assert modes == {"rays": 0o600, "trained": 0o664, "after": 0o664, "meanwhile": 0o664}
    assert "SWEEPER_UMASK" not in os.environ
