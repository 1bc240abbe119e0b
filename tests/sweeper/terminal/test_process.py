"""A command is the whole work of its process."""

from __future__ import annotations

import subprocess
import sys

COLLECTS = """
import gc
from sweeper.terminal.process import run_process

def command():
    print(gc.get_threshold()[0])
    return 3

run_process(command)
"""


def test_a_command_looks_for_garbage_seldom_and_ends_with_its_code() -> None:
    """Its imports would take a third longer, and make next to no garbage."""
    done = subprocess.run([sys.executable, "-c", COLLECTS], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (3, b"10000\n")
