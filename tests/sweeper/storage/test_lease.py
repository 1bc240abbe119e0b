"""The lease of a sweep: one holder, who can be named, and who loses it by dying."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sweeper.errors import UserError
from sweeper.storage.lease import hold_lease, holder, is_held

HOLDER = """
import sys, time
from pathlib import Path
from sweeper.storage.lease import hold_lease
with hold_lease(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_second_driver_is_told_who_holds_the_lease(tmp_path: Path) -> None:
    holder = rf"process {os.getpid()} on .* since 20"
    with hold_lease(tmp_path), pytest.raises(UserError, match=holder), hold_lease(tmp_path):
        pass
    with hold_lease(tmp_path):
        pass


def test_a_killed_driver_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=f"process {holder.pid}"), hold_lease(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with hold_lease(tmp_path):
        pass


def test_asking_whether_a_lease_is_held_takes_it_from_nobody(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "none")
    with hold_lease(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
    with hold_lease(tmp_path):
        assert is_held(tmp_path)


def test_a_holder_that_has_just_taken_the_lock_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It describes itself a moment after it has the lock."""
    file = tmp_path / "lease"
    with hold_lease(tmp_path):
        content = file.read_text()
        file.write_text("")
        monkeypatch.setattr(time, "sleep", lambda seconds: file.write_text(content))
        assert holder(tmp_path).startswith(f"process {os.getpid()} on ")


def test_a_lease_file_that_says_nothing(tmp_path: Path) -> None:
    with hold_lease(tmp_path):
        (tmp_path / "lease").write_text("{")
        with pytest.raises(UserError, match="another process"), hold_lease(tmp_path):
            pass
