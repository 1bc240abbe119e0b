"""The cores that a process may use: affinity, the quota of its control group, Slurm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import cores


def group(folder: Path, quota: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.max").write_text(f"{quota}\n")


@pytest.mark.parametrize(
    ("root", "own", "found"),
    [
        ("max 100000", "max 100000", None),
        ("max 100000", "150000 100000", 1.5),
        ("100000 100000", "max 100000", 1.0),
        ("50000 100000", "200000 100000", 0.5),
    ],
)
def test_the_strictest_quota_counts(
    tmp_path: Path, root: str, own: str, found: float | None
) -> None:
    group(tmp_path, root)
    group(tmp_path / "slice" / "job", own)
    named = tmp_path / "cgroup"
    named.write_text("0::/slice/job\n")
    assert cores.core_quota(tmp_path, named) == found


def test_the_first_version_of_control_groups(tmp_path: Path) -> None:
    folder = tmp_path / "cpu"
    folder.mkdir()
    (folder / "cpu.cfs_quota_us").write_text("250000")
    (folder / "cpu.cfs_period_us").write_text("100000")
    assert cores.core_quota(tmp_path, tmp_path / "none") == 2.5
    (folder / "cpu.cfs_quota_us").write_text("-1")
    assert cores.core_quota(tmp_path, tmp_path / "none") is None


@pytest.mark.parametrize(("slurm", "found"), [("1", 1), ("many", 2), ("9", 2)])
def test_slurm_lowers_the_number(monkeypatch: pytest.MonkeyPatch, slurm: str, found: int) -> None:
    monkeypatch.setattr(cores, "core_quota", lambda: None)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    monkeypatch.setenv(cores.SLURM, slurm)
    assert cores.allowed_cores() == found


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system has no affinity")
def test_affinity_lowers_the_number() -> None:
    code = (
        "import os; from cluster.cores import allowed_cores; "
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(allowed_cores())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"


@pytest.mark.parametrize(
    ("minute", "now", "load"),
    [(8.0, 1, 0.0), (8.0, 4, 3.0), (0.5, 9, 0.5), (8.0, None, 8.0), (0.0, 0, 0.0)],
    ids=["a program has just ended", "three run on", "many begin", "not told", "always zero"],
)
def test_the_load_is_that_of_the_last_minute_unless_less_runs_now(
    minute: float, now: int | None, load: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program that asks is one of those that run."""
    source = tmp_path / "loadavg"
    if now is not None:
        source.write_text(f"{minute} 3.19 3.21 {now}/353 7923\n")
    monkeypatch.setattr("cluster.cores.os.getloadavg", lambda: (minute, 0.0, 0.0))
    assert cores.machine_load(source) == load


def test_this_machine_has_a_load() -> None:
    assert cores.machine_load() >= 0
