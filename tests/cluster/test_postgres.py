"""PostgreSQL in a folder, with its programs played."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import postgres
from cluster.postgres import LocalPostgres


def test_a_server_that_was_killed_is_gone_before_another_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its parent has asked for its exit code it is a process, and PostgreSQL refuses."""
    killed = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    databases, started, looks = LocalPostgres(tmp_path), list[bool](), list[float]()
    databases.data.mkdir()
    file = databases.data / "postmaster.pid"
    file.write_text(f"{killed.pid}\n\n\n5432\n")
    zombie = Path("/proc", str(killed.pid))

    def look(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            killed.wait()

    monkeypatch.setattr(postgres.time, "sleep", look)
    monkeypatch.setattr(LocalPostgres, "_do", lambda *words: started.append(zombie.exists()))
    monkeypatch.setattr(LocalPostgres, "_own", lambda *paths: None)
    assert databases.start().endswith(":5432/postgres")
    assert started == [False]
    assert len(looks) >= 3
