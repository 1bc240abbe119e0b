"""A store of objects over HTTP: moto's server in a process of its own, behind a faulty proxy."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.mlflow_server import free_port
from cluster.processes import own_session
from tests.chaos.proxy import Proxy, proxying

__all__ = [
    "BUCKET",
    "SECRET",
    "FaultyStore",
    "Place",
    "faulty_store",
    "object_store",
    "settings_of",
]

BUCKET, SECRET = "sweeps", "a-very-secret-key"


class FaultyStore:
    """A bucket for tests: its proxy, and the address of the proxy."""

    def __init__(self, proxy: Proxy, endpoint: str, folder: Path) -> None:
        self.proxy, self.endpoint, self.folder = proxy, endpoint, folder

    def settings(self, machine: str = "one") -> dict[str, str]:
        """The environment of the programs of a machine, which has a cache folder of its own."""
        return settings_of(self.endpoint, self.folder / machine)

    def be(self, machine: str, patch: pytest.MonkeyPatch) -> None:
        """Let this process be the one of another machine from now on."""
        for name, value in self.settings(machine).items():
            patch.setenv(name, value)


@dataclass(frozen=True)
class Place:
    """An address in a store that this process uses from one machine or another."""

    store: FaultyStore
    address: str
    folder: Path
    patch: pytest.MonkeyPatch

    def be(self, machine: str) -> None:
        """Be the one of another machine from now on."""
        self.store.be(machine, self.patch)


def settings_of(endpoint: str, cache: Path) -> dict[str, str]:
    """The environment for a store at an endpoint, with mirrors below a folder."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test-key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "XDG_CACHE_HOME": str(cache),
    }


@contextmanager
def object_store(host: str = "127.0.0.1") -> Iterator[int]:
    """A moto server that listens on `host`, with the bucket `BUCKET`; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
    with own_session(command, subprocess.DEVNULL) as server:
        while not _made_bucket(port):
            assert server.poll() is None
            time.sleep(0.1)
        yield port


@contextmanager
def faulty_store(port: int, folder: Path) -> Iterator[FaultyStore]:
    """A proxy before the server at a port; the machines have their caches below the folder."""
    proxy = Proxy(port)
    with proxying(proxy) as endpoint:
        yield FaultyStore(proxy, endpoint, folder)


def _made_bucket(port: int) -> bool:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")
    try:
        with urllib.request.urlopen(asked) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
