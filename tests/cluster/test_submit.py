"""A sweep is sent to a Ray cluster as a job, with its code; the storage then tells of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import jobs
from cluster.errors import ClusterError
from cluster.jobs import ENDED, Job, submit
from sweeper.cli import main
from sweeper.driver.travel import pack_up
from sweeper.errors import UserError
from sweeper.grid import loading
from tests.sweeper.grids import grid_text, write_grid
from tests.trainers.test_data_files import write_faces

COMPONENT = """
from dataclasses import dataclass
from typing import ClassVar

from trainers.datasets import DATASETS
from trainers.datasets.digits import Digits

@DATASETS.register("my_digits")
@dataclass(frozen=True)
class MyDigits(Digits):
    reference: ClassVar[str] = "mine"
"""


def own_grid(folder: Path, component: str = "mine.py") -> Path:
    """A grid with a component of the user's own."""
    place = folder / component
    place.parent.mkdir(exist_ok=True)
    place.write_text(COMPONENT)
    head = (
        f"experiment: sent\ncomponents: [{component}]\ndata: my_digits\n"
        "defaults: {network: linear, d_z: 2, epochs: 2, batch_size: 128}\n"
    )
    return write_grid(folder, grid_text("{model: sigma_vae, sigma: [0.1, 0.2]}", head=head))


def test_all_that_a_sweep_needs_travels(tmp_path: Path) -> None:
    grid = own_grid(tmp_path)
    sweep = loading.load(grid, storage=str(tmp_path / "sweeps"))
    folder = tmp_path / "bundle"
    folder.mkdir()
    assert pack_up(sweep, str(grid), folder) == "grids/grid.yaml"
    assert (folder / "grids" / "mine.py").read_text() == COMPONENT
    assert (folder / "sweeper" / "__main__.py").is_file()
    assert not list(folder.rglob("*.pyc"))
    again = loading.load(folder / "grids" / "grid.yaml", storage=str(tmp_path / "sweeps"))
    assert again.name == sweep.name


def test_a_component_elsewhere_cannot_travel(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    own_grid(tmp_path)
    grid = own_grid(tmp_path / "below", "../mine.py")
    sweep = loading.load(grid, storage=str(tmp_path / "sweeps"))
    (tmp_path / "bundle").mkdir()
    with pytest.raises(UserError, match=r"component ../mine.py does not lie beside the grid"):
        pack_up(sweep, str(grid), tmp_path / "bundle")


def test_the_exit_code_is_the_programs_and_its_words_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "a folder" / "driver.log"
    job = Job([sys.executable, "-c", "print('said'); raise SystemExit(3)"], tmp_path, log)
    done = subprocess.run(
        job.entrypoint(), shell=True, capture_output=True, text=True, check=False
    )
    said = f"said\n{ENDED} 3\n"
    assert (done.returncode, done.stdout, log.read_text()) == (3, said, said)


def test_a_variable_of_the_head_is_kept(tmp_path: Path) -> None:
    show = [sys.executable, "-c", "import os; print(os.environ['ONE'], os.environ['TWO'])"]
    variables = {"ONE": "ours; $HOME", "TWO": "ours"}
    job = Job(show, tmp_path, tmp_path / "driver.log", variables)
    done = subprocess.run(
        job.entrypoint(),
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "TWO": "the head's"},
    )
    assert done.stdout.splitlines()[0] == "ours; $HOME the head's"


def test_a_silent_server_is_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        server = f"http://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ClusterError, match=r"does not take the job \(no answer within 1 s\)"):
            submit(server, Job(["true"], tmp_path, tmp_path / "driver.log"), patience=1.0)


@pytest.mark.parametrize(
    ("folder", "words"),
    [("faces", "is given by a relative path"), ("{here}/faces", "a job needs a cluster")],
)
def test_data_by_a_relative_path_are_refused(
    folder: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "faces").mkdir()
    write_faces(tmp_path / "faces")
    monkeypatch.chdir(tmp_path)
    place = folder.format(here=tmp_path)
    head = f"experiment: sent\ndata: {{name: frey_face, data_dir: {place}}}\nseeds: 1\n"
    head += "defaults: {network: linear, d_z: 2, epochs: 2}\n"
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}", head=head))
    asked = ["submit", str(grid), "--cluster", "local", "--storage", str(tmp_path / "sweeps")]
    assert main(asked) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--storage", "sweeps"], "would lie in the folder of the Ray job"),
        (["--tracking", "http://me:secret@host:5000"], "would stand in the job's command"),
        (["--cluster", "local"], "a job needs a cluster that outlives this command"),
    ],
)
def test_what_a_job_cannot_use_is_refused(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = write_grid(tmp_path, grid_text("{model: sigma_vae, sigma: 0.1}"))
    assert main(["submit", str(grid), "--storage", str(tmp_path / "sweeps"), *options]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "secret" not in said


def test_a_job_that_has_not_begun_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "job_server", lambda address: "http://head:8265")
    monkeypatch.setattr(jobs, "submit", lambda server, job: "raysubmit_1")
    storage = ["--storage", str(tmp_path / "sweeps")]
    grid = own_grid(tmp_path)
    assert main(["submit", str(grid), *storage, "--cluster", "head:6379"]) == 0
    for command in ("status", "logs"):
        assert main([command, "sent", *storage]) == 2
        said = capsys.readouterr().err
        assert "was submitted and has not begun" in said
        assert "says last: sent as the Ray job raysubmit_1 to http://head:8265" in said


def test_the_log_begins_with_what_was_sent_or_with_what_its_driver_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver may have begun when the server answers."""
    words = ["submit", str(own_grid(tmp_path)), "--storage", str(tmp_path / "sweeps")]
    said = list[str]()

    def begin(server: str, job: Job) -> str:
        if said:
            with job.log.open("a") as log:
                log.write("the second driver\n")
        said.append(job.log.read_text() if job.log.exists() else "")
        return f"raysubmit_{len(said)}"

    monkeypatch.setattr(jobs, "job_server", lambda address: "http://head:8265")
    monkeypatch.setattr(jobs, "submit", begin)
    assert [main([*words, "--cluster", "head:6379"]) for _ in range(2)] == [0, 0]
    [log] = (tmp_path / "sweeps").glob("sweeps/*/*/driver.log")
    first = "sent as the Ray job raysubmit_1 to http://head:8265\n"
    assert log.read_text() == f"{first}the second driver\n"
