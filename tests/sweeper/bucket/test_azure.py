"""A sweep on Azure's emulator, Azurite: trained, gone on with, archived and restored, refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from email.utils import formatdate
from pathlib import Path
from urllib.error import URLError

import pytest

from cluster.mlflow_server import free_port
from cluster.processes import own_session
from sweeper.bucket.mirror import mirror_at
from sweeper.bucket.objects import Bucket
from sweeper.cli import main
from sweeper.storage.addresses import storage_path
from tests.sweeper.bucket.test_bucket_sweep import assert_equal, bucket_sweep, files_of, run_inline
from tests.sweeper.bucket.two_writers import assert_one_has_it
from tests.sweeper.mlflow_view import READY
from tests.sweeper.small import undisturbed

pytestmark = [
    *READY,
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("azurite-blob"), reason="needs Azurite: npm install -g azurite@3.33.0"
    ),
]

ADDRESS = "az://sweeps/of/all"
ACCOUNT = "devstoreaccount1"  # Azurite's own, with the key that its manual prints
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The emulator with a container; this process is the machine ``one``."""
    port = free_port()
    command = ["azurite-blob", "--inMemoryPersistence", "--blobPort", str(port)]
    be("one", tmp_path, monkeypatch)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"http://127.0.0.1:{port}/{ACCOUNT}")
    with own_session(command, subprocess.DEVNULL) as emulator:
        made = False
        while not made:
            assert emulator.poll() is None
            with suppress(ConnectionError, URLError):
                made = make_container(port)
        yield


def make_container(port: int) -> bool:
    """Make the container of `ADDRESS`, by a request that is signed with the account's key."""
    dated = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    lines = [f"{name}:{value}" for name, value in dated.items()]
    path = f"/{ACCOUNT}/sweeps"
    text = "\n".join(["PUT", *[""] * 11, *lines, f"/{ACCOUNT}{path}", "restype:container"])
    mac = hmac.digest(base64.b64decode(KEY), text.encode(), hashlib.sha256)
    signed = {"Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(mac).decode()}", **dated}
    address = f"http://127.0.0.1:{port}{path}?restype=container"
    asked = urllib.request.Request(address, method="PUT", headers=signed)
    with urllib.request.urlopen(asked) as answer:
        return bool(answer.status == 201)


def be(machine: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("XDG_CACHE_HOME", str(folder / machine))


@pytest.mark.usefixtures("azure")
def test_a_sweep_on_azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another machine has all of it; it comes back from an archive, equal to the last bit."""
    sweep = bucket_sweep(tmp_path, ADDRESS)
    outcome = run_inline(sweep)
    assert (outcome.finished, outcome.failed) == (2, 0)
    before = files_of(sweep)
    be("two", tmp_path, monkeypatch)
    there = bucket_sweep(tmp_path, ADDRESS)
    assert files_of(there) == before
    assert run_inline(there).skipped == 2
    file = str(tmp_path / "demo.tar.gz")
    assert main(["archive", "demo", "--storage", ADDRESS, "--out", file, "--yes"]) == 0
    assert not [one.key for one in Bucket(ADDRESS).entries() if "/trials/" in f"/{one.key}"]
    assert main(["restore", file, "--storage", ADDRESS]) == 0
    be("one", tmp_path, monkeypatch)
    storage_path(ADDRESS)
    mirror_at(ADDRESS).refresh()
    assert files_of(sweep) == before
    assert_equal(sweep, undisturbed(tmp_path, sweep.trials, packed=True))


@pytest.mark.usefixtures("azure")
def test_of_two_writers_one_has_the_object() -> None:
    assert_one_has_it(Bucket(ADDRESS))


@pytest.mark.usefixtures("azure")
@pytest.mark.parametrize(
    ("address", "key", "said"),
    [
        ("az://no-such-container/sweeps", KEY, "there is no bucket 'no-such-container'"),
        (ADDRESS, base64.b64encode(b"another").decode(), "the store refuses the credentials"),
        (ADDRESS, "no base64", "the credentials for az://sweeps/of/all cannot be read"),
    ],
)
def test_what_azure_refuses(
    address: str,
    key: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", key)
    assert main(["status", "demo", "--storage", address]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
