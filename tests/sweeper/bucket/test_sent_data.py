"""A data set on a bucket: two processes of a node take it once, and no mirror has it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.bucket.mirror import mirror_at
from sweeper.storage.addresses import storage_path
from sweeper.storage.sent_data import fetch_data, send_data
from tests.sweeper.bucket.object_store import FaultyStore
from tests.trainers.test_data_files import write_faces
from trainers.datasets.frey_face import FreyFace
from trainers.errors import DataError

pytestmark = pytest.mark.usefixtures("patient")

PROGRAM = """
import sys
from pathlib import Path
from sweeper.bucket.mirror import mirror_at
from sweeper.storage.sent_data import fetch_data
from trainers.datasets.frey_face import FreyFace

storage = mirror_at(sys.argv[1]).folder
print("ready", flush=True)
sys.stdin.readline()
print(fetch_data(storage, FreyFace(data_dir="/nowhere"), sys.argv[2]).checksum())
"""


@pytest.fixture
def faces(tmp_path: Path) -> FreyFace:
    write_faces(tmp_path)
    return FreyFace(data_dir=str(tmp_path))


def test_two_processes_of_a_node_take_it_once(
    store: FaultyStore, address: str, faces: FreyFace
) -> None:
    checksum = faces.checksum()
    send_data(storage_path(address), faces, checksum)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, address, checksum],
            env=os.environ | store.settings("two"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    assert [one.stdout and one.stdout.readline() for one in both] == ["ready\n"] * 2
    for one in both:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    said = [one.communicate()[0] for one in both]
    assert said == [f"{checksum}\n"] * 2
    archive = f"/{address.removeprefix('s3://')}/data/{checksum}.tar"
    assert store.proxy.asked["GET", archive] == 1


def test_a_mirror_has_no_data_set(
    store: FaultyStore, address: str, faces: FreyFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_data(storage_path(address), faces, faces.checksum())
    store.be("two", monkeypatch)
    folder = storage_path(address)
    mirror = mirror_at(address)
    assert [entry.key for entry in mirror.bucket.entries()] == [f"data/{faces.checksum()}.tar"]
    assert not list(folder.rglob("*.tar*"))


def test_a_damaged_object_is_refused(
    store: FaultyStore, address: str, faces: FreyFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = storage_path(address)
    with pytest.raises(DataError, match=rf"^{address}/data/.*\.tar is missing"):
        fetch_data(storage, faces, faces.checksum())
    mirror_at(address).bucket.put(f"data/{faces.checksum()}.tar", b"text")
    with pytest.raises(DataError, match=rf"^{address}/data/.*; delete it"):
        fetch_data(storage, faces, faces.checksum())
