"""What a terminal shows while something takes long: a spinner, a library's bar, an amount."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.terminal.waiting_bar import counted, spinning
from trainers.datasets.mnist import FILES

FETCH = """
import hashlib, sys
from torchvision.datasets import MNIST
from sweeper.terminal.screen import busy
from trainers.datasets import mnist

address, folder, *sums = sys.argv[1:]
MNIST.mirrors = [address]
names = list(mnist.FILES)
MNIST.resources = [(f"{name}.gz", md5) for name, md5 in zip(names, sums[:4])]
mnist.FILES.update(zip(names, sums[4:]))
with busy("reading grid.yaml"):
    mnist.Mnist(data_dir=folder, download=True).files()
sys.stderr.write("came back")
"""
IMAGES = struct.pack(">IIII", 2051, 300, 28, 28) + bytes(300 * 28 * 28)  # the format of MNIST
LABELS = struct.pack(">II", 2049, 300) + bytes(300)
CONTENTS = [IMAGES if "images" in name else LABELS for name in FILES]
PACKED = [gzip.compress(content, mtime=0) for content in CONTENTS]


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """A server of four files in place of MNIST's."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for name, content in zip(FILES, PACKED, strict=True):
        (folder / f"{name}.gz").write_bytes(content)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def on_a_terminal(code: str, *arguments: str) -> str:
    """What a program writes to the terminal that is its stderr."""
    window, slave = os.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    said = bytearray()
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stderr=slave,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    ) as process:
        os.close(slave)
        while part := _read(window):
            said += part
    os.close(window)
    assert process.returncode == 0, said.decode()
    return said.decode()


def _read(window: int) -> bytes:
    try:
        return os.read(window, 65536)
    except OSError:  # Linux says EIO where the other end is closed
        return b""


def test_a_download_shows_its_bar_under_the_spinner(mirror: str, tmp_path: Path) -> None:
    packed = [hashlib.md5(content).hexdigest() for content in PACKED]
    plain = [hashlib.sha256(content).hexdigest() for content in CONTENTS]
    folder = tmp_path / "data"
    folder.mkdir()
    said = on_a_terminal(FETCH, mirror, str(folder), *packed, *plain)
    assert (folder / "MNIST/raw/train-images-idx3-ubyte").read_bytes() == IMAGES
    assert said.count("100%") >= len(FILES), "its last state stays, and the spinner may show it"
    assert said.endswith("came back"), "the text after it is written as it is"


def test_the_bar_of_a_library_is_seen_before_its_line_ends() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80, color_system=None)
    with spinning(console, "reading"):
        sys.stderr.write("\r 40%|####   |")
        while "reading  40%|####   |" not in shown.getvalue():
            time.sleep(0.01)


def test_a_bar_counts_its_steps() -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=80, color_system=None)
    with counted(console, "removing", 3) as step:
        for _ in range(3):
            step()
    assert "removing" in shown.getvalue()
    assert "3/3" in shown.getvalue()


def test_a_file_gets_nothing_of_them() -> None:
    shown = io.StringIO()
    console, before = Console(file=shown, width=80), sys.stderr
    with spinning(console, "reading"), counted(console, "removing", 1) as step:
        assert sys.stderr is before
        step()
    assert shown.getvalue() == ""
