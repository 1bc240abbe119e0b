"""Checks of who could run programs as this user through Ray, or read what MLflow has."""

from __future__ import annotations

import os

from cluster.listening import open_dashboards, open_doors, open_folders, without_token
from cluster.private_files import others_can_read
from cluster.token import VALUE, token_file
from sweeper.doctor.finding import Finding

__all__ = ["listening", "token"]

PRIVATE = "--temp-dir=$(mktemp -d /tmp/ray-XXXXXX)/r"
NEW = '(umask 077; mkdir -p ~/.ray; python -c "import secrets; print(secrets.token_hex(32))"'


def token(cluster: str) -> Finding:
    """Whether there is a token for Ray, and nobody else can read it."""
    path = token_file()
    if os.environ.get(VALUE):
        return Finding("token", f"{VALUE} is set")
    if not path.exists():
        if cluster == "local":
            return Finding("token", f"{path} will be made by the first sweep")
        return Finding(
            "token",
            f"there is no {path}",
            "stop",
            "copy it from the user who started the cluster, or, before starting one: "
            f"{NEW} > {path})",
        )
    if others_can_read(path):
        return Finding(
            "token",
            f"others can read {path}, and run programs as you",
            "stop",
            f"chmod 600 {path}; if somebody may have read it: delete it, and start Ray again",
        )
    return Finding("token", f"{path}, which only you can read")


def listening() -> list[Finding]:
    """What listens of this user's Ray and MLflow, and whether it asks who is there."""
    doors = open_doors()
    if not doors:
        return [Finding("listening", "no Ray and no MLflow of this user")]
    said = ", ".join(f"{door.program} {door.address}:{door.port}" for door in doors)
    found = [Finding("listening", said)]
    if hosts := open_dashboards():
        found.append(
            Finding(
                "dashboard",
                f"Ray's dashboard listens on {', '.join(hosts)}, for other machines",
                "stop",
                "start Ray with --dashboard-host=127.0.0.1, and reach it by ssh -L",
            )
        )
    for folder in open_folders():
        found.append(
            Finding(
                "Ray's folder",
                f"others can read and change {folder}, with Ray's sockets and logs",
                "note",
                f"start Ray with {PRIVATE}; a Ray that sweeper starts has such a folder",
            )
        )
    if without_token():
        found.append(
            Finding(
                "Ray's token",
                "a Ray of this user asks nobody for a token: whoever reaches it runs programs",
                "stop",
                "end it (ray stop), and start it with RAY_AUTH_MODE=token",
            )
        )
    return found
