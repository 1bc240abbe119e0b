"""Send a program to a Ray cluster as a Ray job, which outlives the terminal that sent it."""

from __future__ import annotations

import logging
import os
import shlex
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.addresses import VARIABLE, find_ray, require_address
from cluster.errors import ClusterError, one_line
from cluster.membership import ask_dashboard
from cluster.token import present_token

__all__ = ["ENDED", "Job", "job_server", "submit"]

ENDED = "the driver has ended with exit code"  # the last line of a job's log
SERVER = "RAY_API_SERVER_ADDRESS"
PATIENCE = 120.0  # seconds in which the server takes a job of a few megabytes
MODULES = "ray.dashboard.modules"
TALKATIVE = ("ray", f"{MODULES}.dashboard_sdk", f"{MODULES}.job.sdk")  # of each file they pack
WEB = ("http://", "https://")


@dataclass(frozen=True)
class Job:
    """A program for a cluster.

    Parameters
    ----------
    command : its words. folder : is copied to the cluster, where it is the working directory and
        precedes what is installed. log : a file of the cluster to which all that it prints is
        added. variables : of its environment, unless the environment of the head has them.
    """

    command: Sequence[str]
    folder: Path
    log: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def entrypoint(self) -> str:
        """The shell's command; its exit code is that of the program, and stands in `ENDED`."""
        log = shlex.quote(str(self.log))
        folder = shlex.quote(str(self.log.parent))
        settings = "".join(
            f'[ -n "${name}" ] || export {name}={shlex.quote(value)}; '
            for name, value in self.variables.items()
        )
        program = f'{shlex.join(self.command)}; code=$?; echo "{ENDED} $code"; exit $code'
        script = f"{settings}mkdir -p {folder} && ({program}) 2>&1 | tee -a {log}"
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


def submit(server: str, job: Job, patience: float = PATIENCE) -> str:
    """Send a job; returns its id.

    Raises `ClusterError` if the server does not take it within `patience` seconds. Ray's client
    would wait forever for a server that is silent, so that it runs in a thread of its own.
    """
    answers = list[str | Exception]()

    def send() -> None:
        try:
            answers.append(_send(server, job))
        except Exception as error:  # noqa: BLE001 - raised below
            answers.append(error)

    sender = threading.Thread(target=send, name="job", daemon=True)
    sender.start()
    sender.join(patience)
    answer = answers[0] if answers else TimeoutError(f"no answer within {patience:.0f} s")
    if isinstance(answer, str):
        return answer
    raise ClusterError(
        f"the job server {server} does not take the job ({one_line(answer)}); it listens on "
        "its head's host only: submit there, or through a tunnel (ssh -L 8265:127.0.0.1:8265 "
        "HEAD) with --cluster http://127.0.0.1:8265; it needs 'sweeper[cluster]' there"
    ) from answer


def _send(server: str, job: Job) -> str:
    from ray.job_submission import JobSubmissionClient

    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    client = JobSubmissionClient(server)
    environment = {"working_dir": str(job.folder)}
    return str(client.submit_job(entrypoint=job.entrypoint(), runtime_env=environment))
