"""Send a program to a Ray cluster as a Ray job, which outlives the terminal that sent it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.addresses import VARIABLE, find_ray, require_address
from cluster.errors import ClusterError, one_line
from cluster.membership import ask_dashboard
from cluster.token import present_token

__all__ = ["Job", "job_server", "submit"]

SERVER = "RAY_API_SERVER_ADDRESS"
WEB = ("http://", "https://")


@dataclass(frozen=True)
class Job:
    """A program for a cluster.

    Parameters
    ----------
    command : its words. folder : is copied to the cluster, where it is the working directory and
        precedes what is installed. log : a file of the cluster to which all that it prints is
        added. variables : of its environment.
    """

    command: Sequence[str]
    folder: Path
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def entrypoint(self) -> str:
        """The shell's command; its exit code is that of the program."""
        log = shlex.quote(str(self.log))
        folder = shlex.quote(str(self.log.parent))
        script = f"mkdir -p {folder} && {shlex.join(self.command)} 2>&1 | tee -a {log}"
        return shlex.join(["bash", "-o", "pipefail", "-c", script])


def job_server(address: str = "auto") -> str:
    """The address of a cluster's dashboard, which takes jobs: http://HOST:PORT.

    address : it itself, or that of the Ray (HOST:PORT), or auto: RAY_API_SERVER_ADDRESS,
    RAY_ADDRESS, or the Ray of this host. Raises `ClusterError` if there is none.
    """
    named = os.environ.get(SERVER) or os.environ.get(VARIABLE, "")
    asked = named if address == "auto" and named.startswith(WEB) else address
    present_token()
    if asked.startswith(WEB):
        return asked
    if asked == "local":
        raise ClusterError(
            "a job needs a cluster that outlives this command: give auto, or "
            "HOST:PORT, of one that is running (ray start --head)"
        )
    place = find_ray() if asked == "auto" else require_address(asked)
    dashboard = ask_dashboard(place)
    if not dashboard:
        raise ClusterError(
            f"the Ray at {place} takes no jobs, as it has no dashboard; install "
            "'sweeper[cluster]' where its head runs, and start that with --include-dashboard=true"
        )
    return f"http://{dashboard}"


def submit(server: str, job: Job) -> str:
    """Send a job; returns its id. Raises `ClusterError` if the server does not take it."""
    try:
        from ray.job_submission import JobSubmissionClient

        client = JobSubmissionClient(server)
        return str(
            client.submit_job(
                entrypoint=job.entrypoint(),
                runtime_env={"working_dir": str(job.folder), "env_vars": dict(job.variables)},
            )
        )
    except Exception as error:
        raise ClusterError(
            f"the job server {server} does not take the job ({one_line(error)}); it listens on "
            "its head's host only: submit there, or through a tunnel (ssh -L 8265:127.0.0.1:8265 "
            "HEAD) with --cluster http://127.0.0.1:8265; it needs 'sweeper[cluster]' there"
        ) from error
