"""The layout of a storage folder: where every file of sweeps and trials lies.

::

    sweeps/<experiment>/report/              the report of all sweeps of an experiment
    sweeps/<experiment>/<sweep>/sweep.json   the trials of a sweep, and what the grid says of them
                                grid.yaml    the grid as it was given
                                lease        held by the driver that runs the sweep
                                stop         asks the workers to stop after their epoch
                                nonce        what a driver wrote, for the nodes of its cluster
                                driver.log   what the driver of `sweeper submit` said
                                running.json where each trial is trained now
                                leaving/<node>       asks the workers on a node to leave it
                                delivered.json, search.json, study.journal, tune/
    trials/<id>/trial.json                   one trial, resolved; sweeps share it
                <attempt>/<epoch>/           a commit (see `trainers.checkpoint`)
                evaluations/<key>.json       a result, with its pictures in <key>.npz
                evaluations/gallery.npz      pictures made at the end of training
                evaluations/examples.npz     KL and recon of each test example after it
                pictures/<name>.png          pictures that a user asked for
                error.txt                    the traceback of a failure
                worker.log                   what its workers said, one attempt after the other
                lease                        held by the driver that trains the trial
    programs/<lineage>/<id>                  an empty file: the trial belongs to the lineage
    components/<sha256>.py                   a file of components that a grid brought
    datasets/<checksum>.json                 facts about a data set: shape, size, spectrum
    classifiers/                             reference classifiers of data sets
    speeds.json                              how long trials took, by machine and program
    probes/<key>.json                        what a program is fastest with on a kind of GPU
    data/<checksum>.tar                      the files of a data set, for nodes that lack them

On a bucket the same names are the keys of objects. Leases, claims, the stop sign, the signs to
leave a node and the numbers of attempts are objects below ``signs/``, with the file's name.

`analysis.sources.paths` has the same layout of the files that the analysis reads; a test reads
one storage folder with both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeper.sweep import ListedSweep, Sweep

__all__ = [
    "classifier_folder",
    "commit_manifests",
    "component_file",
    "component_files",
    "data_archive",
    "data_archives",
    "dataset_file",
    "delivered_file",
    "driver_log",
    "driver_logs",
    "error_file",
    "evaluation_file",
    "evaluation_files",
    "examples_file",
    "gallery_file",
    "grid_file",
    "journal_file",
    "lease_file",
    "leaving_file",
    "lineage_folder",
    "nonce_file",
    "pictures_folder",
    "probe_file",
    "report_folder",
    "running_file",
    "search_file",
    "speeds_file",
    "stop_file",
    "sweep_file",
    "sweep_file_in",
    "sweep_files",
    "sweep_folder",
    "sweep_folder_of",
    "sweep_leases",
    "trial_file",
    "trial_files",
    "trial_folder",
    "tune_folder",
    "worker_log",
    "written_folders",
]


def trial_folder(storage: str | Path, trial: str) -> Path:
    """The folder of a trial, shared by all sweeps that have the trial."""
    return Path(storage) / "trials" / trial


def trial_file(storage: str | Path, trial: str) -> Path:
    """``trial.json``: a trial's resolved components, parameters and data."""
    return trial_folder(storage, trial) / "trial.json"


def trial_files(storage: Path) -> list[Path]:
    """The `trial_file` of every trial of the storage, sorted by id."""
    return sorted(storage.glob("trials/*/trial.json"))


def commit_manifests(storage: Path) -> Iterator[Path]:
    """The manifests of all commits of all trials: ``trials/<id>/<attempt>/<epoch>/...``."""
    return storage.glob("trials/*/*/*/manifest.json")


def evaluation_file(storage: str | Path, trial: str, key: str) -> Path:
    """The result of an evaluation; its pictures have the same name with the suffix ``.npz``."""
    return trial_folder(storage, trial) / "evaluations" / f"{key}.json"


def evaluation_files(storage: str | Path, trial: str) -> list[Path]:
    """The results of all evaluations of a trial, sorted by key."""
    return sorted((trial_folder(storage, trial) / "evaluations").glob("*.json"))


def gallery_file(trial_folder: Path) -> Path:
    """The pictures of test examples that a worker makes at the end of a trial's training."""
    return trial_folder / "evaluations" / "gallery.npz"


def examples_file(trial_folder: Path) -> Path:
    """KL and recon of every test example after the last epoch; older trials have none."""
    return trial_folder / "evaluations" / "examples.npz"


def pictures_folder(trial_folder: Path) -> Path:
    """The pictures made by `sweeper sample` and `sweeper denoise`."""
    return trial_folder / "pictures"


def error_file(trial_folder: Path) -> Path:
    """The traceback of a trial that failed."""
    return trial_folder / "error.txt"


def worker_log(trial_folder: Path) -> Path:
    """What the workers of a trial said, one attempt after the other."""
    return trial_folder / "worker.log"


def sweep_folder_of(storage: Path, experiment: str, name: str) -> Path:
    """The folder of the sweep `name`: its list of trials, its grid, its lease."""
    return storage / "sweeps" / experiment / name


def sweep_folder(sweep: Sweep | ListedSweep) -> Path:
    """The folder of a sweep."""
    return sweep_folder_of(sweep.storage, sweep.experiment, sweep.name)


def sweep_file(sweep: Sweep | ListedSweep) -> Path:
    """``sweep.json``: a sweep's trials, and the settings of the grid that the analysis needs."""
    return sweep_file_in(sweep_folder(sweep))


def sweep_file_in(sweep_folder: Path) -> Path:
    """The `sweep_file` in a sweep's folder."""
    return sweep_folder / "sweep.json"


def sweep_files(storage: Path) -> list[Path]:
    """The `sweep_file` of every sweep of the storage, sorted by experiment and name."""
    return sorted(storage.glob("sweeps/*/*/sweep.json"))


def grid_file(sweep_folder: Path) -> Path:
    """The text of a sweep's grid."""
    return sweep_folder / "grid.yaml"


def delivered_file(sweep: Sweep | ListedSweep) -> Path:
    """The epochs of each trial that were written to the tracking store."""
    return sweep_folder(sweep) / "delivered.json"


def driver_log(sweep: Sweep | ListedSweep) -> Path:
    """What the drivers that `sweeper submit` sent to a cluster have said, one after the other."""
    return sweep_folder(sweep) / "driver.log"


def driver_logs(storage: Path) -> list[Path]:
    """The `driver_log` of every sweep of the storage that was submitted, begun or not."""
    return sorted(storage.glob("sweeps/*/*/driver.log"))


def running_file(sweep_folder: Path) -> Path:
    """Where each trial is trained, while a driver runs the sweep."""
    return sweep_folder / "running.json"


def search_file(sweep: Sweep) -> Path:
    """The best points that a search found."""
    return sweep_folder(sweep) / "search.json"


def journal_file(sweep: Sweep) -> Path:
    """The journal of an Optuna study: the proposed points and their results."""
    return sweep_folder(sweep) / "study.journal"


def tune_folder(sweep: Sweep) -> Path:
    """Ray Tune's own files on a cluster of several machines; deleted when the sweep ends."""
    return sweep_folder(sweep) / "tune"


def report_folder(storage: Path, experiment: str) -> Path:
    """The report of an experiment."""
    return storage / "sweeps" / experiment / "report"


def stop_file(sweep_folder: str | Path) -> Path:
    """The stop sign: while it exists, every worker of the sweep stops after its epoch."""
    return Path(sweep_folder) / "stop"


def nonce_file(sweep_folder: str | Path) -> Path:
    """A random text by the sweep's driver; a node that reads it there shares the storage."""
    return Path(sweep_folder) / "nonce"


def leaving_file(sweep_folder: str | Path, node: str) -> Path:
    """While it exists, the workers on a node leave it after their epoch; by Ray's id of it."""
    return Path(sweep_folder) / "leaving" / node


def lease_file(folder: Path) -> Path:
    """The lock file in a sweep's or a trial's folder."""
    return folder / "lease"


def sweep_leases(storage: Path) -> Iterator[Path]:
    """The lease files of all sweeps of the storage, held or not."""
    return storage.glob("sweeps/*/*/lease")


def lineage_folder(storage: str | Path, lineage: str) -> Path:
    """The folder with an empty file for each trial of a lineage (id without epochs)."""
    return Path(storage) / "programs" / lineage


def component_file(storage: str | Path, sha256: str) -> Path:
    """The text of a file of the user's own components."""
    return Path(storage) / "components" / f"{sha256}.py"


def component_files(sweep: Sweep) -> tuple[str, ...]:
    """The files of the user's own components that a sweep's grid brought, as absolute paths."""
    storage = sweep.storage.resolve()
    return tuple(str(component_file(storage, one.sha256)) for one in sweep.components.values())


def dataset_file(storage: str | Path, checksum: str) -> Path:
    """Facts of a data set that the analysis needs without reading the data."""
    return Path(storage) / "datasets" / f"{checksum}.json"


def data_archive(storage: str | Path, checksum: str) -> Path:
    """The files of a data set (see `sweeper.storage.sent_data`); on a bucket only an object."""
    return Path(storage) / "data" / f"{checksum}.tar"


def data_archives(storage: Path) -> list[Path]:
    """The `data_archive` of every data set that was written to the storage, sorted."""
    return sorted(storage.glob("data/*.tar"))


def classifier_folder(storage: str | Path) -> Path:
    """The reference classifiers of all data sets."""
    return Path(storage) / "classifiers"


def speeds_file(storage: Path) -> Path:
    """How long an epoch and the rest of a trial took, by kind of machine and by program."""
    return storage / "speeds.json"


def probe_file(storage: str | Path, key: str) -> Path:
    """What a probe found for a program on one kind of GPU: pack size, way of convolutions."""
    return Path(storage) / "probes" / f"{key}.json"


def written_folders(sweep: Sweep) -> list[Path]:
    """The folders to which a run of the sweep writes, of which some may be there already."""
    storage = sweep.storage
    shared = [storage / name for name in ("trials", "programs", "datasets")]
    trials = [trial_folder(storage, trial.id) for trial in sweep.trials]
    there = [trial for trial in trials if os.path.lexists(trial)]
    return [sweep_folder(sweep), report_folder(storage, sweep.experiment), *shared, *there]
