"""The log of a submitted driver, which it uploads to the bucket of its sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import jobs
from cluster.jobs import ENDED
from sweeper.cli import main
from sweeper.driver.log_upload import VARIABLE, log_uploaded
from sweeper.grid import loading
from sweeper.storage import ledger
from sweeper.storage.ledger import write_file
from sweeper.storage.paths import driver_log
from tests.sweeper.bucket.object_store import Place
from tests.sweeper.bucket.test_bucket_sweep import bucket_sweep
from tests.sweeper.grids import grid_text, write_grid
from tests.sweeper.small import small_sweep


def test_the_log_is_read_on_another_machine(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep, said = bucket_sweep(place.folder, place.address), place.folder / "said"
    ledger.check_writable(sweep.storage)
    ledger.write_sweep(sweep, {})
    ledger.write_trials(sweep)
    place.patch.setenv(VARIABLE, str(said))
    for run in ("first", "second"):
        said.write_text(f"{run} run\n")
        with log_uploaded(sweep) as end:
            end(f"{ENDED} 0\n")
    place.be("two")
    assert main(["logs", "demo", "--follow", "--storage", place.address]) == 0
    told = capsys.readouterr().out
    assert told == f"first run\n{ENDED} 0\nsecond run\n{ENDED} 0\n"


@pytest.mark.parametrize("begun", [False, True])
def test_what_was_submitted_is_known_from_every_machine(
    place: Place, capsys: pytest.CaptureFixture[str], begun: bool
) -> None:
    """Before its driver has begun; what that has written by then stays as it is."""

    def submit(server: str, job: jobs.Job) -> str:
        if begun:
            write_file(driver_log(sweep), b"I have begun\n")
        return "raysubmit_1"

    place.patch.setattr(jobs, "job_server", lambda address: "http://head:8265")
    place.patch.setattr(jobs, "submit", submit)
    grid = write_grid(place.folder, grid_text("{model: sigma_vae, sigma: 0.1}"))
    asked = ["--storage", place.address]
    sweep = loading.load(grid, storage=place.address)
    assert main(["submit", str(grid), *asked, "--cluster", "http://127.0.0.1:8265"]) == 0
    capsys.readouterr()
    place.be("two")
    last = "I have begun" if begun else "sent as the Ray job raysubmit_1 to http://head:8265"
    for command in ("status", "logs", "stop"):
        assert main([command, sweep.experiment, *asked]) == 2
        said = capsys.readouterr().err
        assert "was submitted and has not begun" in said
        assert f"says last: {last}" in said


def test_a_folder_has_the_log_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep, said = small_sweep(tmp_path), tmp_path / "said"
    said.write_text("something")
    monkeypatch.setenv(VARIABLE, str(said))
    with log_uploaded(sweep) as end:
        end("the end")
    assert not driver_log(sweep).exists()
