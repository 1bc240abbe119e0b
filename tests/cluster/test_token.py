"""The token of a Ray that is started here is on, and nobody else can read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import token
from cluster.errors import ClusterError

LOCAL = """
import json, os
from pathlib import Path
from cluster.local import JOB, Local

os.environ[JOB] = json.dumps({"runtime_env": {"working_dir": "gcs://nowhere.zip"}})
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
place = Local()
place.connect()
import ray

@ray.remote
def work():
    return os.getcwd()

ray.get(work.remote())
sockets, log = place.logs.parent / "sockets", place.logs / "raylet.out"
places = [sockets / "plasma_store", sockets / "raylet", log]
own = place.logs.parents[2]
said = {"cpus": ray.cluster_resources()["CPU"], "modes": [one.stat().st_mode for one in places],
    "address": ray.get_runtime_context().gcs_address, "folder": str(own),
    "private": own.stat().st_mode}
print(json.dumps(said), flush=True)
input()
place.close()
"""
STRANGER = """
import sys
from ray._raylet import GcsClient
from ray.exceptions import AuthenticationError

try:
    GcsClient(address=sys.argv[1]).get_all_node_info(timeout=300)
except AuthenticationError:
    sys.exit("refused")
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (token.MODE, token.VALUE, token.PLACE):
        monkeypatch.setenv(name, "")  # so that what the test sets is undone
        monkeypatch.delenv(name)
    return tmp_path


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_token_is_private_whatever_the_umask() -> None:
    before = os.umask(0)
    try:
        token.own_token()
    finally:
        os.umask(before)
    assert mode(token.token_file()) == 0o600
    assert mode(token.token_file().parent) == 0o700
    assert len(token.token_file().read_text()) == 64
    assert os.environ[token.MODE] == "token"


@pytest.mark.parametrize("repaired", [token.own_token, token.present_token])
def test_an_old_token_is_kept_and_made_private(repaired: object, home: Path) -> None:
    assert callable(repaired)
    (home / ".ray").mkdir()
    token.token_file().write_text("a" * 64)
    token.token_file().chmod(0o644)
    repaired()
    assert mode(token.token_file()) == 0o600
    assert token.token_file().read_text() == "a" * 64
    assert os.environ[token.MODE] == "token"


def test_an_empty_token_is_told(home: Path) -> None:
    (home / ".ray").mkdir()
    token.token_file().touch()
    with pytest.raises(ClusterError, match="is empty; delete that file"):
        token.own_token()


def test_who_has_no_token_lets_ray_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(token.MODE, "token")
    token.present_token()
    assert token.MODE not in os.environ


def test_a_local_ray_is_its_owners_alone_and_counts_what_it_may_use(home: Path) -> None:
    """Also where `disabled` is set, and in a Ray job, whose environment it does not inherit."""
    environment = os.environ | {token.MODE: "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        [sys.executable, "-c", LOCAL],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as driver:
        assert driver.stdout
        said = json.loads(driver.stdout.readline())
        stranger = subprocess.run(
            [sys.executable, "-c", STRANGER, said["address"]],
            env=environment | {"HOME": str(home / "elsewhere")},
            capture_output=True,
            text=True,
            check=False,
        )
        driver.communicate("\n")
    assert said["cpus"] == 1
    assert said["private"] & 0o777 == 0o700
    assert not Path(said["folder"]).exists()
    assert [one & 0o777 for one in said["modes"]] == [0o700, 0o700, 0o600]
    assert stranger.stderr.strip().endswith("refused")
    assert driver.returncode == 0
    assert mode(token.token_file()) == 0o600
