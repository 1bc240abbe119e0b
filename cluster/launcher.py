"""Files for Ray's own launcher, `ray up`: hosts that are reached by SSH, and machines of AWS."""

from __future__ import annotations

import re
import secrets
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.base import ROOT
from cluster.errors import ClusterError
from cluster.private_files import private_text
from cluster.token import MODE, token_file

__all__ = ["AwsMachines", "SshHosts", "install", "launcher_file"]

Settings = dict[str, Any]

TOKEN = "~/.ray/auth_token"
LEFT_OUT = [".git", ".venv", "__pycache__", "sweeps", "mlruns", "*.db"]
FOLDER = "--temp-dir=$(mktemp -d /tmp/ray-XXXXXX)/r"  # in one that nobody else can enter
NAME = r"[A-Za-z0-9][\w.:-]*"  # of a host, a region, a type of machine


@dataclass(frozen=True)
class SshHosts:
    """Hosts on a network of one's own; Ray's head runs on the first.

    Parameters
    ----------
    hosts : names or addresses, which reach each other. user : of all of them. key : a file with
        the private key; "" for what `ssh` finds itself.
    """

    hosts: Sequence[str]
    user: str
    key: str = ""

    def settings(self) -> Settings:
        for host in self.hosts:
            _require("HOST", host)
        _require("--user", self.user)
        head, *workers = self.hosts
        auth = {"ssh_user": self.user} | ({"ssh_private_key": self.key} if self.key else {})
        return {
            "provider": {"type": "local", "head_ip": head, "worker_ips": workers},
            "auth": auth,
            "min_workers": len(workers),
            "max_workers": len(workers),
        }


@dataclass(frozen=True)
class AwsMachines:
    """Machines that Ray's autoscaler rents; its head trains nothing, and is not on spot.

    Parameters
    ----------
    head, worker : types of machine (``m5.xlarge``). workers : the greatest number of them.
    spot : whether the workers may be taken away. profile : the ARN of the instance profile by
        which they reach the bucket; "" for none.
    """

    region: str
    head: str
    worker: str
    workers: int
    spot: bool = False
    profile: str = ""
    disk_gb: int = 200

    def settings(self) -> Settings:
        for option in ("region", "head", "worker"):
            _require(f"--{option}", getattr(self, option))
        if self.workers < 1:
            raise ClusterError(f"--workers must be at least 1, not {self.workers}")
        worker = self._machine(self.worker)
        if self.spot:
            worker["InstanceMarketOptions"] = {"MarketType": "spot"}
        return {
            "provider": {"type": "aws", "region": self.region, "cache_stopped_nodes": False},
            "auth": {"ssh_user": "ubuntu"},
            "max_workers": self.workers,
            "idle_timeout_minutes": 5,
            "available_node_types": {
                "head": {"resources": {"CPU": 0}, "node_config": self._machine(self.head)},
                "worker": {
                    "resources": {},  # Ray asks AWS what a machine has
                    "min_workers": 0,
                    "max_workers": self.workers,
                    "node_config": worker,
                },
            },
            "head_node_type": "head",
        }

    def _machine(self, kind: str) -> Settings:
        disk = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": self.disk_gb}}
        machine: Settings = {"InstanceType": kind, "BlockDeviceMappings": [disk]}
        return machine | ({"IamInstanceProfile": {"Arn": self.profile}} if self.profile else {})


def install(user: str, checkout: Path = ROOT) -> tuple[str, Settings]:
    """The Python on hosts that have nothing yet, and the settings that install it with sweeper.

    user : of the hosts, in whose home it goes. checkout : is sent there; the versions are those
    of its ``constraints.txt``. Raises `ClusterError` if there is no such file.
    """
    if not (checkout / "constraints.txt").exists():
        raise ClusterError(
            "what is installed on new hosts comes from a checkout, as it has constraints.txt; run "
            "this from one, or give --python with the Python of hosts that have sweeper"
        )
    home = "/root" if user == "root" else f"/home/{user}"
    source, environment = f"{home}/sweeper-source", f"{home}/sweeper-environment"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    uv, python = "python3 -m uv", f"{environment}/bin/python"
    parts = shlex.quote(f"{source}[cluster,cloud]")
    commands = [
        "python3 -m pip install --user --quiet uv",
        f"test -x {python} || {uv} venv --quiet --python {version} {environment}",
        f"{uv} pip install --quiet --python {python} -c {source}/constraints.txt {parts} boto3",
    ]
    settings = {
        "file_mounts": {source: str(checkout)},
        "rsync_exclude": LEFT_OUT,
        "setup_commands": commands,
    }
    return python, settings


def launcher_file(name: str, place: Settings, python: str, setup: Settings) -> Settings:
    """The settings for `ray up`, with the token of this user, which is drawn if there is none.

    name : of the cluster. place : of `SshHosts` or `AwsMachines`. python : of the hosts.
    setup : of `install`; empty for hosts that have sweeper.
    """
    token = token_file()
    private_text(token, secrets.token_hex(32))
    path = f"export PATH={shlex.quote(python.rpartition('/')[0])}:$PATH"
    # The second version of Ray's autoscaler starts no worker on hosts of one's own (Ray 2.60).
    version = "RAY_enable_autoscaler_v2=0 " * (place["provider"]["type"] == "local")
    settings = f"{version}{MODE}=token MALLOC_ARENA_MAX=1 RAY_USAGE_STATS_ENABLED=0"
    start = f"{path}; {settings} ray start"
    return {
        "cluster_name": name,
        **place,
        "file_mounts": {TOKEN: str(token), **setup.get("file_mounts", {})},
        "rsync_exclude": setup.get("rsync_exclude", []),
        "setup_commands": [f"chmod 600 {TOKEN}", *setup.get("setup_commands", [])],
        "head_start_ray_commands": [
            f"{path}; ray stop",
            f"{start} --head --port=6379 {FOLDER} "
            "--autoscaling-config=~/ray_bootstrap_config.yaml",
        ],
        "worker_start_ray_commands": [
            f"{path}; ray stop",
            f"{start} --address=$RAY_HEAD_IP:6379 {FOLDER}",
        ],
    }


def _require(what: str, value: str) -> None:
    if not re.fullmatch(NAME, value):
        raise ClusterError(f"{what} must be a name of letters, digits and . _ - :, not {value!r}")
