"""Own processes: all of them are found, and none of them outlives its block."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from cluster.processes import alive, descendants, own_session, running

NESTED = """
import subprocess, sys
with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
    child.wait()
"""

FORKED = """
import os, time
if os.fork():
    print(flush=True)
time.sleep(600)
"""


def test_a_session_ends_with_its_block_and_takes_its_children_along() -> None:
    with own_session([sys.executable, "-c", NESTED], subprocess.DEVNULL) as parent:
        found = dict[int, bytes]()
        while not any(b"time.sleep(600)" in command for command in found.values()):
            assert parent.poll() is None
            time.sleep(0.02)
            found = descendants(parent.pid)
    while any(map(alive, found)):
        time.sleep(0.02)
    assert len(found) == 1
    assert not alive(parent.pid)


def test_a_program_is_found_and_not_what_it_starts(tmp_path: Path) -> None:
    """A process that was forked has the name of its parent until it runs its own program."""
    program = tmp_path / "raylet"
    program.symlink_to(sys.executable)
    shell = ["sh", "-c", '"$@"; exit', "sh", str(program), "-S", "-c", FORKED]
    with own_session(shell, subprocess.PIPE) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"\n"
        [first, second] = descendants(parent.pid)
        assert second in descendants(first)
        assert running(parent.pid, "raylet") == first
        assert running(parent.pid, "gcs_server") is None
