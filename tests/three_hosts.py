"""Three hosts on one machine: network namespaces with a name, an address and folders of their own.

It takes root and Debian's iproute2. Unix sockets cross network namespaces, so that the folder in
which a host's Ray lies is masked on the others.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

__all__ = ["ADDRESSES", "GATEWAY", "HEAD", "NEEDS_HOSTS", "Hosts", "three_hosts"]

ADDRESSES = {"cla": "10.88.0.2", "clb": "10.88.0.3", "clc": "10.88.0.4"}
BRIDGE, GATEWAY = "brcl", "10.88.0.1"
HEAD = f"{ADDRESSES['cla']}:6379"
NEEDS_HOSTS = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("ip"),
    reason="network namespaces take root and iproute2: apt-get install -y iproute2",
)


class Hosts:
    """The hosts, and the Ray of each; `folder` has Ray's files, and may hold the tests'."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._settings = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "0" * 64,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",  # by Ray's own, 15, they starve beside other tests
        }

    def command(self, host: str, command: Sequence[str], before: str = "") -> list[str]:
        """A command line that runs another on a host, after the shell command `before`.

        What `before` mounts is seen by that command and its children only.
        """
        shell = f'hostname {host}; {before or ":"}; exec "$@"'
        return [
            "ip",
            "netns",
            "exec",
            host,
            "unshare",
            "--uts",
            "sh",
            "-ec",
            shell,
            "sh",
            *command,
        ]

    def masks(self, host: str) -> list[str]:
        """Shell commands that hide the Rays of the other hosts from a host."""
        return [f"mount -t tmpfs tmpfs {self.folder / one}" for one in ADDRESSES if one != host]

    def settings(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a host's programs."""
        plain = {name: value for name, value in os.environ.items() if name != "SWEEPER_DATA"}
        return plain | self._settings | dict(more or {})

    def start_ray(
        self,
        host: str,
        before: str = "",
        cpus: int = 1,
        more: Mapping[str, str] | None = None,
        jobs: bool = False,
    ) -> None:
        """Start Ray on a host: the head on the first, to which the others join.

        jobs : whether the head takes jobs.
        """
        own = self.folder / host
        own.mkdir(exist_ok=True)
        masks = self.masks(host)
        join = ["--head", "--port=6379"] if host == "cla" else [f"--address={HEAD}"]
        ray = Path(sys.executable).with_name("ray")
        command = [str(ray), "start", *join, f"--node-ip-address={ADDRESSES[host]}"]
        command += [f"--num-cpus={cpus}", f"--temp-dir={own}", "--disable-usage-stats"]
        command += [f"--include-dashboard={str(jobs).lower()}"] * (host == "cla")
        steps = "; ".join([*masks, *([before] if before else [])])
        done = subprocess.run(
            self.command(host, command, steps),
            env=self.settings(more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

    def link(self, host: str, state: str) -> None:
        """Set the link of a host ``down`` or ``up``."""
        _ip("link", "set", f"v{host}", state)

    def stop(self, host: str) -> None:
        """Kill what runs on a host, and wait until it has ended."""
        while left := _processes(host):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)


@contextmanager
def three_hosts() -> Iterator[Hosts]:
    """Make the hosts ``cla``, ``clb`` and ``clc``; remove them at the end of the block."""
    with (
        Path(tempfile.gettempdir(), "sweeper-three-hosts").open("w") as lock,
        tempfile.TemporaryDirectory(prefix="hosts-") as folder,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        hosts = Hosts(Path(folder))
        for host in ADDRESSES:
            (hosts.folder / host).mkdir()
        _remove(hosts)
        try:
            _make()
            yield hosts
        finally:
            _remove(hosts)


def _make() -> None:
    _ip("link", "add", BRIDGE, "type", "bridge")
    _ip("addr", "add", f"{GATEWAY}/24", "dev", BRIDGE)
    _ip("link", "set", BRIDGE, "up")
    for host, address in ADDRESSES.items():
        _ip("netns", "add", host)
        _ip("link", "add", f"v{host}", "type", "veth", "peer", "name", "eth0", "netns", host)
        _ip("link", "set", f"v{host}", "master", BRIDGE, "up")
        _ip("-n", host, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", host, "link", "set", "eth0", "up")
        _ip("-n", host, "link", "set", "lo", "up")
        _ip("-n", host, "route", "add", "default", "via", GATEWAY)
        names = Path("/etc/netns", host, "hosts")
        names.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{one} {name}" for name, one in ADDRESSES.items()]
        names.write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))


def _remove(hosts: Hosts) -> None:
    for host in ADDRESSES:
        hosts.stop(host)
        for words in (["link", "del", f"v{host}"], ["netns", "del", host]):
            subprocess.run(["ip", *words], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(Path("/etc/netns", host), ignore_errors=True)
    subprocess.run(["ip", "link", "del", BRIDGE], stderr=subprocess.DEVNULL, check=False)


def _processes(host: str) -> list[int]:
    found = subprocess.run(
        ["ip", "netns", "pids", host], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in found.stdout.split()]


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
