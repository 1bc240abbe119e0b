"""The files for `ray up` keep to Ray's own schema, and have no token in them."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kubernetes_validate.utils import resources_from_file
from ray.autoscaler._private.util import prepare_config, validate_config

from cluster.errors import ClusterError
from cluster.launcher import install
from sweeper.cli import main

ROOT = Path(__file__).parents[2]
AWS = ["aws", "--region", "eu-central-1", "--worker", "g5.xlarge"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], home: Path, *words: str) -> dict[str, Any]:
    """What a command prints, as a program that reads YAML 1.1 understands it."""
    assert main(["cluster", *words]) == 0
    text = capsys.readouterr().out
    assert (home / "token").read_text() not in text
    (home / "file.yaml").write_text(text)
    [settings] = resources_from_file(str(home / "file.yaml"))
    return dict(settings)


@pytest.mark.parametrize(
    "words",
    [
        ["ssh", "10.0.0.1"],
        ["ssh", "a.example", "b.example", "--user", "me", "--key", "~/.ssh/id", "--name", "no"],
        ["ssh", "10.0.0.1", "10.0.0.2", "--install"],
        AWS,
        [*AWS, "--spot", "--profile", "arn:aws:iam::1:instance-profile/x", "--workers", "9"],
    ],
)
def test_ray_takes_them(words: list[str], home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = printed(capsys, home, *words)
    validate_config(prepare_config(settings))
    with pytest.raises(Exception, match="unknown"):
        validate_config(prepare_config(settings | {"unknown": 1}))


def test_hosts_get_the_token_as_a_private_file(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = printed(capsys, home, "ssh", "a", "b", "c", "--python", "/opt/my env/bin/python")
    assert (home / "token").stat().st_mode & 0o777 == 0o600
    assert settings["file_mounts"] == {"~/.ray/auth_token": str(home / "token")}
    assert settings["setup_commands"] == ["chmod 600 ~/.ray/auth_token"]
    assert settings["provider"] == {"type": "local", "head_ip": "a", "worker_ips": ["b", "c"]}
    starts = [settings[f"{one}_start_ray_commands"][-1] for one in ("head", "worker")]
    assert all("RAY_AUTH_MODE=token" in start for start in starts)
    assert all(start.startswith("export PATH='/opt/my env/bin':$PATH; ") for start in starts)


def test_the_shell_finds_the_programs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "it's my env"
    folder.mkdir()
    (folder / "ray").write_text("#!/bin/sh\necho $RAY_AUTH_MODE $*")
    (folder / "ray").chmod(0o755)
    settings = printed(capsys, home, "ssh", "a", "b", "--python", f"{folder}/python")
    done = subprocess.run(
        ["bash", "-c", settings["worker_start_ray_commands"][-1]],
        env=os.environ | {"RAY_HEAD_IP": "10.0.0.1"},
        capture_output=True,
        text=True,
        check=True,
    )
    start, folder = done.stdout.strip().split(" --temp-dir=")
    assert start == "token start --address=10.0.0.1:6379"
    assert Path(folder).parent.stat().st_mode & 0o777 == 0o700
    Path(folder).parent.rmdir()


@pytest.mark.parametrize(("user", "place"), [("root", "/root"), ("me", "/home/me")])
def test_new_hosts_get_the_checkout(
    user: str, place: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the Python that the advice in the file names has the Ray that is started."""
    settings = printed(capsys, home, "ssh", "a", "--user", user, "--install")
    assert settings["file_mounts"][f"{place}/sweeper-source"] == str(ROOT)
    last = shlex.split(settings["setup_commands"][-1])
    assert f"{place}/sweeper-source[cluster,cloud]" in last
    python = last[last.index("--python") + 1]
    assert f"--python {python} " in (home / "file.yaml").read_text()
    assert f"PATH={Path(python).parent}:" in settings["head_start_ray_commands"][-1]


def test_rented_machines(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kinds = printed(capsys, home, *AWS, "--spot", "--profile", "arn:x")["available_node_types"]
    assert kinds["worker"]["node_config"]["InstanceMarketOptions"] == {"MarketType": "spot"}
    assert "InstanceMarketOptions" not in kinds["head"]["node_config"]
    assert {one["node_config"]["IamInstanceProfile"]["Arn"] for one in kinds.values()} == {"arn:x"}
    assert kinds["head"]["resources"] == {"CPU": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ssh", "a; rm -rf"], "HOST must be a name"),
        (["ssh", "a", "--user", "$(x)"], "--user must be a name"),
        (["aws", "--region", "a b", "--worker", "x"], "--region must be a name"),
        ([*AWS, "--workers", "0"], "--workers must be at least 1"),
    ],
)
def test_what_it_refuses(
    words: list[str], said: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cluster", *words]) == 2
    assert said in capsys.readouterr().err
    assert not (home / "token").exists()


def test_an_installed_program_has_nothing_to_install_from(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="comes from a checkout"):
        install("me", tmp_path)
