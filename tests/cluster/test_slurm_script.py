"""`sweeper cluster slurm` prints a script that Slurm and the shell understand."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.cli import main, parser
from tests.sweeper.grids import grid_text, write_grid

HEAD = """\
experiment: Größe der Welt
data: linear_gaussian
defaults: {network: linear, d_z: 2, epochs: 2}
resources: {cpus: 2, gpus: 0.5}
"""
PRINTS = f"""#!{sys.executable}
import json, os, sys
print(json.dumps([os.getcwd(), os.environ["SWEEPER_DATA"], sys.argv[1:]]))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder whose name the shell would take apart, with a grid."""
    here = tmp_path / "it's a $folder"
    here.mkdir()
    write_grid(here, grid_text("{model: sigma_vae, sigma: 0.1}", head=HEAD))
    monkeypatch.chdir(here)
    monkeypatch.setenv("SWEEPER_DATA", f"{here}/data")
    return here


def script(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    asked = ["cluster", "slurm", "grid.yaml", "--nodes", "2", "--gpus", "a100:2", *words]
    assert main(asked) == 0
    return capsys.readouterr().out


def test_what_it_asks_slurm_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On two GPUs four packs have room, with two cores each."""
    more = ["--time", "1-4:00:00", "--warning", "600", "--option", "partition=gpu"]
    lines = script(capsys, *more, "--option", "exclusive").splitlines()
    assert lines[0] == "#!/bin/bash"
    asked = [line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")]
    [name] = [one.partition("=")[2] for one in asked if one.startswith("job-name=")]
    assert name.startswith("groe-der-welt-")
    assert asked == [
        f"job-name={name}",
        "nodes=2",
        "ntasks-per-node=1",
        "cpus-per-task=8",
        "gpus-per-node=a100:2",
        "time=1-4:00:00",
        "signal=B:USR1@600",
        "requeue",
        "open-mode=append",
        f"output={name}-%j.log",
        "partition=gpu",
        "exclusive",
    ]


def test_what_the_shell_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = folder / "my python"
    python.write_text(PRINTS)
    python.chmod(0o755)
    text = script(capsys, "--python", str(python), "--storage", "my sweeps", "--retry-failed")
    env = {name: value for name, value in os.environ.items() if name != "SWEEPER_DATA"}
    done = subprocess.run(
        ["bash"], input=text, cwd="/", env=env, capture_output=True, text=True, check=True
    )
    where, data, words = json.loads(done.stdout)
    assert (where, data) == (str(folder), f"{folder}/data")
    assert words[:3] == ["-P", "-m", "cluster.slurm_job"]
    assert words[3:7] == [str(python), "-P", "-m", "sweeper"]
    asked = parser().parse_args(words[7:])
    assert (asked.grid, asked.storage) == (f"{folder}/grid.yaml", f"{folder}/my sweeps")
    assert (asked.cluster, asked.retry_failed) == ("auto", True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--nodes", "0"], "--nodes must be at least 1"),
        (["--time", "soon"], "--time must be minutes, H:M:S or D-H:M:S"),
        (["--gpus", "a lot"], "a pack asks for cpus: 2 and gpus: 0.5"),
        (["--gpus", "a 100:1"], "--gpus must be a number, or KIND:NUMBER"),
        (["--gpus", ""], "a pack asks for cpus: 2 and gpus: 0.5"),
        (["--cpus", "1"], "give more with --cpus and --gpus"),
        (["--warning", "70000"], "--warning must be 1 to 65535"),
        (["--time", "10"], "--warning must be less than half of --time"),
        (["--time", "10:00"], "--warning must be less than half of --time"),
        (["--time", "1:00:00", "--warning", "1800"], "--warning must be less than half"),
        (["--time", "2-0", "--warning", "65535", "--gpus", "x"], "a pack asks for"),
        (["--option", "partition=gpu\n#SBATCH --uid=0"], "--option must be NAME=VALUE"),
        (["--tracking", "http://me:secret@host"], "the password of the tracker would stand in"),
    ],
)
def test_what_it_refuses(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["cluster", "slurm", "grid.yaml", "--nodes", "2", "--gpus", "2", *words]
    assert main(asked) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""
    assert "secret" not in err


@pytest.mark.parametrize("limit", ["11", "10:01", "0:10:01", "1-0", "0-1:1", "0-0:0:601"])
def test_a_time_limit_that_leaves_time_to_train(
    limit: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """More than twice the five minutes of the warning."""
    assert f"#SBATCH --time={limit}\n" in script(capsys, "--time", limit)


def test_it_is_given_to_sbatch(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sbatch = folder / "bin" / "sbatch"
    sbatch.parent.mkdir()
    sbatch.write_text(f"#!/bin/sh\ncat > {shlex.quote(str(folder))}/given\necho '17;cluster'\n")
    sbatch.chmod(0o755)
    text = script(capsys)
    monkeypatch.setenv("PATH", f"{sbatch.parent}:{os.environ['PATH']}")
    assert "queued as the job 17;" in script(capsys, "--submit")
    assert (folder / "given").read_text() == text
    sbatch.write_text("#!/bin/sh\necho 'sbatch: error: no such partition' >&2\nexit 1\n")
    asked = ["cluster", "slurm", "grid.yaml", "--nodes", "2", "--gpus", "2", "--submit"]
    assert main(asked) == 2
    assert "Slurm does not take the script (sbatch: error: no such partition)" in (
        capsys.readouterr().err
    )
    monkeypatch.setenv("PATH", str(folder))
    assert main(asked) == 2
    assert "there is no sbatch here" in capsys.readouterr().err
