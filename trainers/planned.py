"""Plan a grid by `sweeper plan GRID --store`, in a process of its own.

`trainers` imports nothing of sweeper. Planning needs a few packages that training does not, and
neither Ray, MLflow nor pandas.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from trainers.errors import ResumeError

__all__ = ["NEEDED", "planned"]

NEEDED = "pydantic", "rich", "ruamel.yaml"
ROOT = str(Path(__file__).resolve().parents[1])
# -P, and the path to this checkout last: no file of the working folder is imported in its place.
PROGRAM = "import sys; sys.path.append(sys.argv.pop(1)); from sweeper.__main__ import program; "
PROGRAM += "sys.exit(program())"


def planned(grid: str, storage: Path | None = None) -> Path:
    """Write the trials of a grid (a file, or a shipped grid's name); the folder of its sweep.

    storage : in place of the grid's.

    Raises
    ------
    ResumeError : packages for planning are missing. subprocess.CalledProcessError : the grid
        cannot be planned; sweeper has said why on stderr.
    """
    if lacking := [name for name in ("sweeper", *NEEDED) if not _found(name)]:
        raise ResumeError(
            f"{grid} is no folder, and to plan it as a grid takes {', '.join(NEEDED)}; here "
            f"{', '.join(lacking)} cannot be imported: install that, or bring a folder that "
            "`sweeper plan GRID --store` has written elsewhere"
        )
    given = [] if storage is None else [f"--storage={storage}"]
    command = [sys.executable, "-P", "-c", PROGRAM, ROOT, "plan", "--store", "--json", *given]
    done = subprocess.run([*command, "--", grid], stdout=subprocess.PIPE, text=True, check=True)
    plan = json.loads(done.stdout)
    return Path(plan["storage"], "sweeps", plan["experiment"], plan["sweep"])


def _found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # of the package before the dot
        return False
