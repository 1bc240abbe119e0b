"""Slurm on the first two of the three hosts: Debian's programs, a key and folders of its own."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest

from tests.three_hosts import ADDRESSES, Hosts

__all__ = ["NEEDS_SLURM", "NODES", "RUNNING", "Slurm", "slurm_on"]

NODES = ("cla", "clb")
NEEDS_SLURM = pytest.mark.skipif(
    not shutil.which("slurmctld"),
    reason="needs Slurm: apt-get install -y --no-install-recommends slurm-wlm",
)
MUNGE = {
    "socket": "",
    "key-file": ".key",
    "pid-file": ".pid",
    "log-file": ".log",
    "seed-file": ".seed",
}
RUNNING = ("PENDING", "CONFIGURING", "RUNNING", "SIGNALING", "COMPLETING", "REQUEUED")
CGROUPS = "/sys/fs/cgroup"  # slurmd would make groups of its own there
# A job that is queued again waits for `cred_expire`: by default 120 s, at least 5.
CONFIGURATION = """\
ClusterName=hosts
SlurmctldHost=cla({address})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
GresTypes=gpu
KillWait=5
PartitionName=all Nodes={nodes} Default=YES State=UP
"""


class Slurm:
    """A Slurm of two nodes with two cores and two GPUs each, which are null devices.

    Its programs run on the first host.

    The temporary folder, ``tmp``, is another one on each host; all else is shared.
    """

    def __init__(self, hosts: Hosts) -> None:
        self.hosts, self.folder = hosts, hosts.folder / "slurm"
        self.temporary = hosts.folder / "tmp"

    def settings(self) -> dict[str, str]:
        own = {"SLURM_CONF": str(self.folder / "slurm.conf"), "TMPDIR": str(self.temporary)}
        return self.hosts.settings(own)

    def call(self, *words: str, text: str = "") -> str:
        """What a program prints on the first host; it must succeed."""
        done = self.run(*words, text=text)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program on the first host."""
        return subprocess.run(
            self.hosts.command("cla", words),
            env=self.settings(),
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )

    def queue(self, script: str) -> str:
        """Give a script to `sbatch`; returns the number of the job."""
        words = ["sbatch", "--parsable", f"--chdir={self.hosts.folder}"]
        return self.call(*words, text=script).strip()

    def job(self, number: str) -> dict[str, str]:
        """What Slurm knows of a job, such as its ``JobState`` and ``Restarts``."""
        return dict(
            re.findall(r"(\S+?)=(\S*)", self.call("scontrol", "show", "-o", "job", number))
        )

    def limit(self, number: str, minutes_left: int) -> None:
        """Set the time limit of a job, from now on."""
        hours, minutes, _ = self.job(number)["RunTime"].split(":")
        limit = 60 * int(hours) + int(minutes) + minutes_left
        self.call("scontrol", "update", f"job={number}", f"TimeLimit={limit}")

    def wait_for_end(self, number: str) -> dict[str, str]:
        """Wait until a job has ended and is not queued again; returns what Slurm knows of it."""
        while (job := self.job(number))["JobState"] in RUNNING:
            time.sleep(0.2)
        return job

    def configure(self) -> None:
        for name in ("state", *(f"spool-{host}" for host in NODES)):
            (self.folder / name).mkdir(parents=True)
        self.temporary.mkdir()
        own = "CPUs=2 Gres=gpu:a100:2"
        nodes = [f"NodeName={host} NodeAddr={ADDRESSES[host]} {own}" for host in NODES]
        text = CONFIGURATION.format(
            address=ADDRESSES["cla"], folder=self.folder, nodes=",".join(NODES)
        )
        (self.folder / "slurm.conf").write_text("\n".join([*nodes, text]))
        for number in range(2):
            null = os.makedev(1, 3)  # Slurm takes devices only, and opens none of them
            os.mknod(self.folder / f"gpu{number}", stat.S_IFCHR | 0o666, null)
        (self.folder / "gres.conf").write_text(f"Name=gpu Type=a100 File={self.folder}/gpu[0-1]\n")
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))

    def daemon(self, host: str, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a daemon on a host, which sees a temporary folder of its own."""
        masks = [f"mount -t tmpfs tmpfs {folder}" for folder in (self.temporary, CGROUPS)]
        shell = ["unshare", "--mount", "sh", "-ec", "; ".join([*masks, 'exec "$@"']), "sh"]
        with (self.folder / f"{words[0]}-{host}.out").open("wb") as log:
            return subprocess.Popen(
                self.hosts.command(host, [*shell, *words]),
                env=self.settings(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_for_nodes(self) -> None:
        """Wait until Slurm would start a job on each node."""
        ask = self.hosts.command("cla", ["sinfo", "--noheader", "--Node", "--format=%T"])
        while True:
            done = subprocess.run(
                ask, env=self.settings(), capture_output=True, text=True, check=False
            )
            if done.stdout.split() == ["idle"] * len(NODES):
                return
            time.sleep(0.1)


@contextmanager
def slurm_on(hosts: Hosts) -> Iterator[Slurm]:
    """Start Slurm, and wait until both nodes are idle; at the end what runs there is killed."""
    slurm = Slurm(hosts)
    slurm.configure()
    munge = [f"--{option}={slurm.folder}/munge{ending}" for option, ending in MUNGE.items()]
    daemons = [
        ("cla", ["munged", "--foreground", "--force", *munge]),
        ("cla", ["slurmctld", "-D"]),
        *((host, ["slurmd", "-D", "-N", host]) for host in NODES),
    ]
    with ExitStack() as stack:
        for host, words in daemons:
            stack.enter_context(slurm.daemon(host, words))
        stack.callback(lambda: [hosts.stop(host) for host in NODES])
        slurm.wait_for_nodes()
        yield slurm
