"""A batch script for Slurm that runs a command on a Ray of the job's own, and is queued again."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cluster.errors import ClusterError, one_line
from cluster.names import plain_name

__all__ = ["SlurmScript", "submit_script"]

FORMS = {
    "time": (r"(\d+-)?\d+(:\d+){0,2}", "minutes, H:M:S or D-H:M:S"),
    "gpus": (r"([\w.-]+:)?[1-9]\d*", "a number, or KIND:NUMBER such as a100:2"),
    "option": (r"[a-z][a-z-]*(=[^\s\"'\\#]+)?", "NAME=VALUE such as partition=gpu"),
}


@dataclass(frozen=True)
class SlurmScript:
    """A batch script; its last line starts `cluster.slurm_job`.

    Parameters
    ----------
    name : of the job, in the user's words. nodes : how many. cpus : cores of each node.
    gpus : of each node, with their kind (``a100:2``) or without; "" for none.
    time : the time limit; "" for that of the partition. warning_s : by how many seconds before it
        the command is ended, to be queued again. options : more of `sbatch`, as NAME=VALUE.
    """

    name: str
    nodes: int
    cpus: int
    gpus: str = ""
    time: str = ""
    warning_s: int = 300
    options: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def text(self, python: str, command: Sequence[str], folder: Path) -> str:
        """The script that runs a command in a folder which all nodes see.

        python : the Python of the nodes. Raises `ClusterError` for an option that has not the
        form that Slurm takes.
        """
        header = [f"#SBATCH --{option}" for option in self._options()]
        exports = [f"export {name}={shlex.quote(value)}" for name, value in self.variables.items()]
        program = [python, "-P", "-m", "cluster.slurm_job", *command]
        lines = ["#!/bin/bash", *header, "", "set -e", f"cd {shlex.quote(str(folder))}"]
        return "\n".join([*lines, *exports, f"exec {shlex.join(program)}", ""])

    def _options(self) -> list[str]:
        name = plain_name(self.name)
        _require("nodes", self.nodes >= 1, "at least 1", self.nodes)
        _require("cpus", self.cpus >= 1, "at least 1", self.cpus)
        # Slurm itself keeps the number in 16 bits.
        _require("warning", 1 <= self.warning_s < 2**16, "1 to 65535", self.warning_s)
        for key, value in (("time", self.time), ("gpus", self.gpus)):
            _require_form(key, value)
        for option in self.options:
            _require_form("option", option)
        limit = _seconds(self.time) if self.time else None
        rule = "less than half of --time, as the job would be queued again and again"
        _require("warning", limit is None or 2 * self.warning_s < limit, rule, self.warning_s)
        return [
            f"job-name={name}",
            f"nodes={self.nodes}",
            "ntasks-per-node=1",
            f"cpus-per-task={self.cpus}",
            *([f"gpus-per-node={self.gpus}"] if self.gpus else []),
            *([f"time={self.time}"] if self.time else []),
            f"signal=B:USR1@{self.warning_s}",
            "requeue",
            "open-mode=append",
            f"output={name}-%j.log",
            *self.options,
        ]


def _seconds(limit: str) -> int:
    """A time limit in seconds: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S."""
    days, dash, rest = limit.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if dash:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    elif len(parts) == 3:
        hours, minutes, seconds = parts
    else:
        hours, (minutes, seconds) = 0, (*parts, 0)[:2]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def submit_script(text: str) -> str:
    """Give a script to `sbatch`; returns the number of the job.

    Raises `ClusterError` if Slurm is not there, or does not take it.
    """
    try:
        done = subprocess.run(
            ["sbatch", "--parsable"], input=text, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise ClusterError(
            "there is no sbatch here; write the script to a file, and give it to sbatch on a "
            "host of the Slurm cluster"
        ) from error
    except subprocess.CalledProcessError as error:
        said = one_line(Exception(error.stderr))
        raise ClusterError(f"Slurm does not take the script ({said})") from error
    return done.stdout.strip().partition(";")[0]


def _require(name: str, holds: bool, rule: str, value: object) -> None:
    if not holds:
        raise ClusterError(f"--{name} must be {rule}, not {value!r}")


def _require_form(name: str, value: str) -> None:
    pattern, rule = FORMS[name]
    _require(name, not value or re.fullmatch(pattern, value) is not None, rule, value)
