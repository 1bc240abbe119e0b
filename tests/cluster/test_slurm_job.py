"""What a job does at Slurm's warning, with a Ray of its own and a command that only waits.

`scontrol` and `srun` are stubs here: test_slurm.py has a real Slurm, which cannot be made to
refuse, nor to warn before a sweep begins. A second node that never comes keeps the command from
beginning.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cluster.processes import descendants

pytestmark = pytest.mark.slow
WAITS = "import pathlib, time; pathlib.Path('begun').touch(); time.sleep(1000)"
STUBS = {
    "scontrol": 'echo "$@" >> asked; [ -z "$REFUSED" ] || { echo "$REFUSED" >&2; exit 1; }',
    "srun": "exec sleep 1000",
}


@pytest.mark.parametrize(
    ("early", "restarts", "refused", "code", "asked", "said"),
    [
        (False, 7, "", 0, True, "the job 12 is queued again, and goes on from the checkpoints"),
        (True, 2, "", 0, True, "the job 12 is queued again"),
        (True, 3, "", -15, False, "its time limit is too short for --warning"),
        (False, 0, "Requested operation is presently disabled", -15, True, "presently disabled"),
    ],
    ids=["begun", "early", "early-again", "forbidden"],
)
def test_it_is_queued_again_unless_that_is_of_no_use(
    early: bool, restarts: int, refused: str, code: int, asked: bool, said: str, tmp_path: Path
) -> None:
    for name, text in STUBS.items():
        stub = tmp_path / name
        stub.write_text(f"#!/bin/sh\n{text}\n")
        stub.chmod(0o755)
    own = {
        "SLURM_JOB_ID": "12",
        "SLURM_JOB_NUM_NODES": "2" if early else "1",
        "SLURM_RESTART_COUNT": str(restarts),
        "REFUSED": refused,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    job = [sys.executable, "-P", "-m", "cluster.slurm_job", sys.executable, "-c", WAITS]
    with subprocess.Popen(
        job, cwd=tmp_path, env=os.environ | own, stderr=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not (
            descendants(process.pid) if early else (tmp_path / "begun").exists()
        ):
            time.sleep(0.01)
        process.send_signal(signal.SIGUSR1)
        words = process.communicate()[1]
    assert process.returncode in (code, 256 + code)
    assert said in words
    assert (tmp_path / "asked").exists() is asked
