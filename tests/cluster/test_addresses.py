"""The ways in are local, auto and HOST:PORT; what is none of them is refused with the remedy."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cluster import addresses
from cluster.errors import ClusterError
from cluster.existing import Existing
from cluster.local import Local
from cluster.membership import Member, here
from sweeper.cli import main
from tests.sweeper.grids import grid_text, write_grid


def test_addresses_name_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(addresses.VARIABLE, "head:6379")
    assert isinstance(addresses.backend_at("local"), Local)
    for address in ("auto", "head:6379"):
        place = addresses.backend_at(address)
        assert isinstance(place, Existing)
        assert place.address == "head:6379"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ray://head:10001", "`sweeper submit GRID` sends the sweep there"),
        ("http://head:8265", "`sweeper submit GRID` sends the sweep there"),
        ("head", "must be local, auto, or the address"),
        ("head:port", "must be local, auto, or the address"),
    ],
)
def test_other_addresses_are_refused(
    address: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ClusterError, match=words):
        addresses.require_address(address)
    monkeypatch.setenv(addresses.VARIABLE, address)
    with pytest.raises(ClusterError, match=words):
        addresses.backend_at("auto")


@pytest.mark.parametrize("started", [[], ["a:1", "b:2"]])
def test_auto_takes_the_only_ray_of_this_host(
    started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(addresses.VARIABLE, raising=False)
    monkeypatch.setattr(addresses, "_started_here", lambda: {"head:6379"})
    assert addresses.find_ray() == "head:6379"
    monkeypatch.setattr(addresses, "_started_here", lambda: set(started))
    with pytest.raises(ClusterError, match="set RAY_ADDRESS to HOST:PORT"):
        addresses.find_ray()


def test_a_host_is_known_by_its_address() -> None:
    assert here([Member("203.0.113.7", "far"), Member("127.0.0.1", "near")]) == "127.0.0.1"
    assert not here([Member("203.0.113.7", "far")])


def test_a_program_that_is_no_ray_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and says nothing, for which Ray's client waits half a minute."""
    monkeypatch.setenv("RAY_py_gcs_connect_timeout_s", "2")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ClusterError, match=f"listens at {address} does not answer as Ray"):
            Existing(address).connect()


def test_a_local_run_says_that_it_ignores_another_ray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sweeper.driver import run as run_module

    monkeypatch.setenv(addresses.VARIABLE, "head:6379")
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))

    class Idle:
        idle = True

        def __init__(self, *arguments: object) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "Driver", Idle)
    store = f"sqlite:///{tmp_path}/mlflow.db"
    assert main(["run", str(grid), "--storage", str(tmp_path), "--tracking", store]) == 130
    assert "RAY_ADDRESS=head:6379 is ignored" in capsys.readouterr().out.replace("\n", " ")


def test_an_address_on_the_command_line_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
    asked = ["run", str(grid), "--storage", str(tmp_path), "--cluster", "ray://head:10001"]
    assert main(asked) == 2
    assert "sweeper submit" in capsys.readouterr().err
