"""A command is the whole work of its process."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

COLLECTS = """
import gc
from sweeper.terminal.process import run_process

def command():
    print(gc.get_threshold()[0])
    return 3

run_process(command)
"""


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_command_works_without_a_stream(closed: str) -> None:
    code = f"{shlex.quote(sys.executable)} -m sweeper list models {closed}"
    done = subprocess.run(code, shell=True, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("sigma_vae" in done.stdout) == (">&-" not in closed.replace("2>&-", ""))


def test_a_command_looks_for_garbage_seldom_and_ends_with_its_code() -> None:
    """Its imports would take a third longer, and make next to no garbage."""
    done = subprocess.run([sys.executable, "-c", COLLECTS], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (3, b"10000\n")
