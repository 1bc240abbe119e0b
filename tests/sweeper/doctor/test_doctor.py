"""`sweeper doctor` says what would stop a sweep, and what to do; it changes nothing."""

from __future__ import annotations

import errno
import fcntl
import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from cluster.mlflow_server import free_port
from sweeper.cli import main
from sweeper.doctor import doors, machine, surroundings
from tests.chaos.proxy import Proxy, proxying


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in; what other tests run on this machine meanwhile is not looked at."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doors, "open_doors", list)
    return tmp_path


def examined(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, str]]:
    """The exit code, and the verdict on each thing."""
    code = main(["doctor", *options, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["stops"] == sum(one["verdict"] == "stop" for one in found["findings"])
    assert all(one["remedy"] for one in found["findings"] if one["verdict"] != "ok")
    return code, {one["name"]: one["verdict"] for one in found["findings"]}


def test_where_the_tests_run_a_sweep_runs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, verdicts = examined(capsys)
    assert code == 0
    assert list(verdicts) == [
        "Python",
        "packages",
        "cores",
        "memory",
        "processor",
        "GPU",
        "storage",
        "disk",
        "locks",
        "tracking",
        "data",
        "token",
        "listening",
    ]
    assert list(here.iterdir()) == []
    assert main(["doctor"]) == 0
    assert "a sweep can run here" in capsys.readouterr().out


def test_what_would_stop_a_sweep_does_so(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "file").touch()
    monkeypatch.setenv("SWEEPER_DATA", str(here / "none"))
    code, verdicts = examined(
        capsys,
        "--storage",
        "file/below",
        "--tracking",
        f"http://127.0.0.1:{free_port()}",
        "--full",
        "--cluster",
        f"127.0.0.1:{free_port()}",
    )
    assert code == 1
    assert {name for name, verdict in verdicts.items() if verdict == "stop"} == {
        "storage",
        "tracking",
        "data",
        "Ray",
    }


def test_a_tracker_that_is_ill_stops_nothing() -> None:
    proxy = Proxy(free_port())
    proxy.chances = {"refused": 1.0}
    with proxying(proxy) as uri:
        found = surroundings.tracking(uri)
    assert found.verdict == "note"
    assert "trials are trained all the same" in found.remedy


@pytest.mark.parametrize(
    ("asked", "found"),
    [("numpy>=2.0", None), ("numpy>=1000", "numpy"), ("no-such-thing-of-sweeper>=1", "missing")],
)
def test_a_package_is_held_to_its_range(asked: str, found: str | None) -> None:
    finding = machine.unmet(Requirement(asked))
    assert (finding is None) == (found is None)
    if finding:
        assert found in (finding.name, finding.found.partition(" ")[0])
        assert finding.remedy == f"pip install '{asked}'"


def test_locks_are_tried(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert surroundings.locks(here / "not" / "there").verdict == "ok"

    def unsupported(file: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", lambda file, operation: None)
        assert "granted twice" in surroundings.locks(here).found
        patch.setattr(fcntl, "flock", unsupported)
        assert surroundings.locks(here).found == "flock fails: No locks available"
    assert list(here.iterdir()) == []


def test_without_a_data_folder_the_built_in_data_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SWEEPER_DATA", raising=False)
    found = surroundings.data()
    assert found.verdict == "note"
    assert "digits" in found.found.partition("; not ")[0]
    assert "mnist" in found.found.partition("; not ")[2]
    assert "frey_face" not in found.remedy, "it cannot be downloaded"
    assert "`download: true` for" in found.remedy


@pytest.mark.slow
def test_ray_is_started_and_ended() -> None:
    """In a program of its own: Ray leaves files and processes for Python to close."""
    code = "import ray; from sweeper.doctor.surroundings import ray as look; found = look()"
    code += "; print(found.verdict, ray.is_initialized())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "ok False\n"
