"""A stored sweep torn at any byte: the last good commit, or a sentence; never another result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from analysis.errors import AnalysisError
from analysis.sources import load
from analysis.sources.storage import gallery
from sweeper.errors import UserError
from sweeper.pictures.gallery import gallery_png
from sweeper.status.standing import standings
from sweeper.status.stored import stored_sweeps
from sweeper.status.trained import load_trained
from sweeper.storage import paths
from sweeper.storage.evaluations import missing, read_evaluations
from sweeper.storage.signs import StopSign
from sweeper.storage.spectra import describe_dataset
from sweeper.sweep import Sweep
from sweeper.worker import reporter, worker
from tests.sweeper.small import (
    final_state,
    metrics_of,
    newest,
    planned,
    prepared,
    small_sweep,
    train,
    undisturbed,
)
from trainers import TrainerError, checkpoint
from trainers.datasets.digits import Digits
from trainers.evaluations.samples import Samples

COMMIT = ("manifest.json", "records.json", "state.safetensors")
SAMPLES = 4


def stored(folder: Path) -> Sweep:
    """Two epochs of three are saved, each in a commit of its own."""
    sweep = small_sweep(folder, planned(epochs=3, checkpoint_every=1))
    [job] = prepared(sweep)
    sign = StopSign(job.sweep)
    worker.train_pack(
        job,
        lambda events: (
            sign.put_up()
            if any(record.epoch == 2 for event in events for record in event.records)
            else None
        ),
    )
    sign.take_down()
    assert newest(sweep, sweep.trials[0]).progress.epoch == 2
    return sweep


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    return stored(tmp_path)


def torn(path: Path, samples: int | None = None) -> Iterator[int]:
    """Cut a file at every byte, or at some; it is whole again at the end."""
    content = path.read_bytes()
    assert content
    step = 1 if samples is None else max(1, len(content) // samples)
    for length in range(0, len(content), step):
        path.write_bytes(content[:length])
        yield length
    path.write_bytes(content)


def file_of(sweep: Sweep, name: str) -> Path:
    if name == "sweep.json":
        return paths.sweep_folder(sweep) / name
    folder = paths.trial_folder(sweep.storage, sweep.trials[0].id)
    return folder / name if name == "trial.json" else newest(sweep, sweep.trials[0]).folder / name


def listed(sweep: Sweep) -> list[str] | None:
    """The trials of the stored sweep; None where there is no such sweep."""
    try:
        [found] = stored_sweeps(sweep.storage, "demo")
    except UserError:
        return None
    return [trial.id for trial in found.sweep.trials]


@pytest.mark.parametrize("name", [*COMMIT, "trial.json", "sweep.json"])
def test_every_reader_of_a_torn_file(sweep: Sweep, name: str) -> None:
    [trial] = sweep.trials
    whole = metrics_of(sweep, trial)
    path, good = file_of(sweep, name), 1 if name in COMMIT else 2
    folder = paths.trial_folder(sweep.storage, trial.id)
    for _ in torn(path, None if path.stat().st_size < 4096 else 200):
        commit = checkpoint.latest(folder)
        assert commit is not None
        assert commit.progress.epoch == good
        assert metrics_of(sweep, trial) == whole[:good]
        [standing] = standings([sweep])
        assert (standing.epoch, standing.metrics) == (good, whole[good - 1][2])
        assert listed(sweep) == {"sweep.json": None, "trial.json": []}.get(name, [trial.id])


@pytest.mark.parametrize("name", [*COMMIT, "trial.json", "sweep.json"])
def test_the_models_and_tables_of_a_torn_sweep(sweep: Sweep, name: str) -> None:
    [trial] = sweep.trials
    whole, path = metrics_of(sweep, trial), file_of(sweep, name)
    good = 1 if name in COMMIT else 2
    kl = whole[good - 1][2]["test/kl"]
    for _ in torn(path, 40):
        assert modelled(sweep) == (None if name == "trial.json" else good)
        assert tabulated(sweep) == {"sweep.json": None, "trial.json": []}.get(name, [kl])


def modelled(sweep: Sweep) -> int | None:
    """The age of the trained model; None where it cannot be read."""
    try:
        return load_trained(sweep.storage, sweep.trials[0].id).epoch
    except UserError:
        return None


def tabulated(sweep: Sweep) -> list[float] | None:
    """The KL of each row of the analysis; None where there is no such experiment."""
    try:
        rows = load.from_storage(sweep.storage, "demo").trials
    except AnalysisError:
        return None
    return [row["test/kl"] for row in rows.to_dict("records")]


@pytest.mark.chaos
@pytest.mark.parametrize("name", [*COMMIT, "trial.json", "sweep.json"])
def test_a_torn_sweep_goes_on_to_the_same_result(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "TELL_EVERY", 0.0)
    other = undisturbed(tmp_path, [planned(epochs=3, checkpoint_every=1)])
    [trial] = other.trials
    for place in range(SAMPLES):
        sweep = stored(tmp_path / str(place))
        path = file_of(sweep, name)
        path.write_bytes(path.read_bytes()[: place * path.stat().st_size // SAMPLES])
        [job] = prepared(sweep)
        worker.train_pack(job, lambda events: None)
        assert metrics_of(sweep, trial) == metrics_of(other, trial)
        assert final_state(sweep, trial) == final_state(other, trial)


def test_both_commits_torn_begin_anew(sweep: Sweep) -> None:
    [trial] = sweep.trials
    folder = paths.trial_folder(sweep.storage, trial.id)
    for commit in list(checkpoint.commits(folder)):
        (commit.folder / "state.safetensors").write_bytes(b"\0" * 64)
    assert checkpoint.latest(folder) is None
    with pytest.raises((UserError, TrainerError), match="no saved model yet"):
        load_trained(sweep.storage, trial.id)


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """A finished trial that was asked for samples: a table, metrics, and pictures."""
    asked = replace(planned(), evaluate=(Samples(count=4),))
    return undisturbed(tmp_path_factory.mktemp("answered"), [asked])


@pytest.mark.parametrize("kind", ["samples.json", "samples.npz", "gallery.npz"])
def test_no_torn_answer_is_believed_or_in_the_way(answered: Sweep, kind: str) -> None:
    [trial] = answered.trials
    folder = paths.trial_folder(answered.storage, trial.id) / "evaluations"
    name, suffix = kind.split(".")
    [path] = folder.glob(f"{name}*.{suffix}")
    assert missing(answered.storage, trial.id, trial.evaluate) == []
    for _ in torn(path, 60):
        lacks = missing(answered.storage, trial.id, trial.evaluate)
        assert [one.name for one in lacks] == ([] if name == "gallery" else ["samples"])
        assert len(read_evaluations(answered.storage, trial.id)) == 1 - len(lacks)
        experiment = load.from_storage(answered.storage, "demo")
        assert len(experiment.trials) == 1
        if name == "gallery":
            assert gallery_png(path) is None
            assert gallery(answered.storage, trial.id) is None
    assert len(read_evaluations(answered.storage, trial.id)) == 1


def test_what_was_torn_is_answered_again(answered: Sweep) -> None:
    [trial] = answered.trials
    folder = paths.trial_folder(answered.storage, trial.id) / "evaluations"
    [before] = read_evaluations(answered.storage, trial.id)
    facts = paths.dataset_file(answered.storage, str(trial.data["checksum"]))
    whole = facts.read_bytes()
    answers = sorted(folder.glob("samples*"))
    assert [path.suffix for path in answers] == [".json", ".npz"]
    for path in answers:
        path.write_bytes(path.read_bytes()[:-1])
        train(answered)
        [after] = read_evaluations(answered.storage, trial.id)
        assert (after.metrics, after.table) == (before.metrics, before.table)
    assert newest(answered, trial).attempt == 1
    facts.write_bytes(whole[:-1])
    describe_dataset(str(answered.storage), Digits(), str(trial.data["checksum"]))
    assert facts.read_bytes() == whole
