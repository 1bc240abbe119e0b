"""Print the file of a Ray cluster for `ray up`, and how to use it."""

from __future__ import annotations

import shlex
import sys
from typing import Any

from sweeper.commands.written_yaml import written

__all__ = ["print_launcher_file"]

USE = """\
# ray up FILE                 starts Ray on the hosts, or applies a change of this file
# ray dashboard FILE          tunnels to it; meanwhile, in another terminal:
# sweeper submit grid.yaml --cluster http://127.0.0.1:8265 --python {python} --storage STORAGE
# ray down FILE               ends it
"""


def print_launcher_file(name: str, place: dict[str, Any], python: str | None) -> int:
    """Print the file; returns the exit code.

    name : of the cluster. place : where it runs. python : of the hosts; None to install sweeper
    there.
    """
    from cluster.launcher import install, launcher_file
    from cluster.names import plain_name

    there, setup = (python, {}) if python else install(place["auth"]["ssh_user"])
    settings = launcher_file(plain_name(name), place, there, setup)
    sys.stdout.write(USE.format(python=shlex.quote(there)) + written(settings))
    return 0
