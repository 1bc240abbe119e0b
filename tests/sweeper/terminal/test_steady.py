"""Output goes on, into nothing, where the terminal or the reader of a pipe has gone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PIPED = """
import sys
from sweeper.terminal.steady import outlive_reader

with outlive_reader():
    sys.stdin.readline()
    print("nobody reads this", flush=True)
    sys.stderr.write("went on")
"""
HUNG_UP = """
import sys
from sweeper.terminal.steady import outlive_terminal

outlive_terminal()
sys.stdin.readline()
print("nobody reads this", flush=True)
sys.stderr.write("went on")
"""


@pytest.mark.parametrize(
    ("code", "terminal"), [(PIPED, False), (HUNG_UP, True)], ids=["a pipe", "a terminal"]
)
def test_what_nobody_reads_is_dropped(code: str, terminal: bool) -> None:
    reader, writer = os.openpty() if terminal else os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=writer, stderr=subprocess.PIPE
    ) as process:
        os.close(writer)
        os.close(reader)
        _, said = process.communicate(b"go\n")
    assert (process.returncode, said) == (0, b"went on")


def test_a_pipe_whose_reader_is_gone_ends_other_commands() -> None:
    """`sweeper list | head`: `outlive_terminal` keeps EPIPE."""
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", HUNG_UP],
        stdin=subprocess.PIPE,
        stdout=writer,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(writer)
        os.close(reader)
        _, said = process.communicate(b"go\n")
    assert b"BrokenPipeError" in said
