"""Own processes: all of them are found, and none of them outlives its block."""

from __future__ import annotations

import subprocess
import sys
import time

from cluster.processes import alive, descendants, own_session

NESTED = """
import subprocess, sys
with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as child:
    child.wait()
"""


def test_a_session_ends_with_its_block_and_takes_its_children_along() -> None:
    with own_session([sys.executable, "-c", NESTED], subprocess.DEVNULL) as parent:
        until = time.monotonic() + 20
        while not (found := descendants(parent.pid)) and time.monotonic() < until:
            time.sleep(0.02)
        assert b"time.sleep(600)" in next(iter(found.values()))
    until = time.monotonic() + 20
    while any(map(alive, found)) and time.monotonic() < until:
        time.sleep(0.02)
    assert len(found) == 1
    assert not any(map(alive, [parent.pid, *found]))
