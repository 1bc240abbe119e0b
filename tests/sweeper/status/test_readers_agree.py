"""Both readers of a storage folder take the same from it, whatever happened to its files.

`sweeper` reads it by `trainers.checkpoint` and `sweeper.status`, the analysis by
`analysis.sources`, which runs without both.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import LoadError
from analysis.sources.load import from_storage
from analysis.sources.schema import metric_name
from analysis.sources.storage import SweepEntry, members, read_trial, sweeps
from analysis.sources.stored_files import newest_commit
from sweeper.errors import UserError
from sweeper.status.reached import reached
from sweeper.status.standing import standings
from sweeper.status.stored import stored_sweeps
from sweeper.storage.evaluations import read_evaluations
from tests.stored_format import IDS, KL, edit, seal, write_commit, write_store

OTHERS, ONE = (IDS[0.2], IDS[0.3]), IDS[0.1]
SWEEP = "sweeps/stored/grid-689fab00/sweep.json"
TRIAL = f"trials/{ONE}/trial.json"
OLD, NEW = f"trials/{ONE}/0001/000001", f"trials/{ONE}/0001/000002"
MANIFEST, RECORDS, STATE = (
    f"{NEW}/{name}" for name in ("manifest.json", "records.json", "state.safetensors")
)
ANSWER = f"trials/{ONE}/evaluations/nll-0123456789.json"
PICTURES = ANSWER.replace(".json", ".npz")
FILES = (SWEEP, TRIAL, MANIFEST, RECORDS, STATE, ANSWER, PICTURES)
JSON = (SWEEP, TRIAL, MANIFEST, ANSWER)

Metrics = dict[str, float]
Taken = tuple[str, int, list[tuple[int, Metrics]]]
REFUSED = "refused"


def plain(metrics: Any) -> Metrics:
    """Metrics by the names of the analysis, with a word for NaN, which equals nothing."""
    return {
        metric_name(name): "nan" if value is None or math.isnan(value) else float(value)
        for name, value in metrics.items()
    }


def by_sweeper(storage: Path) -> dict[str, Taken] | str:
    """Status, epoch and records of each trial that exists, the evaluations last."""
    try:
        found = {}
        for one in standings(stored.sweep for stored in stored_sweeps(storage, "stored")):
            at = reached(storage, one.id)
            records = [(record.epoch, plain(record.metrics)) for record in at.records]
            assert one.epoch == at.epoch
            assert one.committed == tuple(record.epoch for record in at.records)
            answers = read_evaluations(storage, one.id) if at.epoch else []
            assert one.answered == tuple(answer.key for answer in answers)
            records += [(answer.epoch, plain(answer.metrics)) for answer in answers]
            found[one.id] = (at.status, at.epoch, records)
        return found
    except UserError as error:
        return REFUSED if "storage format" in str(error) else "no such experiment"


def by_analysis(storage: Path) -> dict[str, Taken] | str:
    """The same, by the reader of the analysis; its frames are made, too."""
    try:
        frame = from_storage(storage, "stored").trials
        known = members(storage, sweeps(storage, "stored"))
        assert sorted(known) == list(frame["trial"])
        return {name: taken(storage, entry) for name, entry in known.items()}
    except LoadError as error:
        return REFUSED if "storage format" in str(error) else "no such experiment"


def taken(storage: Path, entry: SweepEntry) -> Taken:
    stored = read_trial(storage, entry, newest_commit(f"{storage}/trials/{entry.trial}"))
    records = [(record["epoch"], plain(record["metrics"])) for record in stored.records]
    return str(stored.row.facts["status"]), int(stored.row.facts["epoch"] or 0), records


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return write_store(tmp_path)


def agreed(storage: Path) -> dict[str, Taken] | str:
    """What both readers take."""
    found = by_sweeper(storage)
    assert by_analysis(storage) == found
    return found


def agreed_trials(storage: Path) -> dict[str, Taken]:
    """What both readers take of a store that neither refuses; the other trials are whole."""
    found = agreed(storage)
    assert isinstance(found, dict)
    assert [found[name][:2] for name in OTHERS] == [("finished", 2)] * 2
    return found


def records_of(epochs: int) -> list[tuple[int, Metrics]]:
    """The records of the trial, up to so many epochs."""
    return [
        (epoch, plain(fixed | {"test/kl": KL[0.1] + epochs - epoch}))
        for fixed in [{"train/kl": 0.5, "test/elbo": -20.5, "test/recon": 3, "test/denoise": None}]
        for epoch in range(1, epochs + 1)
    ]


ASKED = [(2, plain({"nll": 12.5, "nll/se": None}))]
WHOLE: Taken = ("finished", 2, [*records_of(2), *ASKED])


def test_a_whole_store(storage: Path) -> None:
    found = agreed_trials(storage)
    assert sorted(found) == sorted(IDS.values())
    assert found[ONE] == WHOLE


def expected(name: str) -> Taken | str | None:
    """What is taken of the trial if a file is not valid."""
    return {
        SWEEP: "no such experiment",
        TRIAL: None,
        ANSWER: ("finished", 2, records_of(2)),
        PICTURES: ("finished", 2, records_of(2)),
    }.get(name, ("running", 1, [*records_of(1), *ASKED]))


def compare(storage: Path, name: str) -> None:
    """Both readers take the same, and that is what follows from `name` not being valid."""
    wanted, found = expected(name), agreed(storage)
    if isinstance(wanted, str):
        assert found == wanted
    else:
        assert isinstance(found, dict)
        assert found.get(ONE) == wanted
        assert set(found) - {ONE} == set(OTHERS)


def cut(share: float) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])

    return change


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"}")


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "change",
    [Path.unlink, cut(0), cut(0.5), append, as_folder],
    ids=["missing", "empty", "half", "longer", "folder"],
)
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_torn(storage: Path, name: str, change: Callable[[Path], None]) -> None:
    change(storage / name)
    compare(storage, name)


@pytest.mark.parametrize("content", ["[]", "null", "{}", '{"schema": 1}', "\udce9"])
@pytest.mark.parametrize("name", JSON)
def test_a_file_that_holds_something_else(storage: Path, name: str, content: str) -> None:
    (storage / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    compare(storage, name)


@pytest.mark.parametrize("schema", [0, 1.0, "1", True, ...])
@pytest.mark.parametrize("name", JSON)
def test_a_file_without_a_format(storage: Path, name: str, schema: Any) -> None:
    edit(storage / name, schema=schema)
    compare(storage, name)


@pytest.mark.parametrize("name", JSON)
def test_a_newer_format_is_refused_with_what_to_do(storage: Path, name: str) -> None:
    edit(storage / name, schema=99)
    assert agreed(storage) == REFUSED
    advice = r"storage format 99.* reads format 1; update sweeper"
    with pytest.raises(UserError, match=advice):
        standings(stored.sweep for stored in stored_sweeps(storage, "stored"))
    with pytest.raises(LoadError, match=advice):
        from_storage(storage, "stored")


WRONG = [
    *((SWEEP, name) for name in ("experiment", "sweep", "created", "tracking_uri", "trials")),
    *(
        (TRIAL, name)
        for name in ("id", "program", "label", "parameters", "params", "trial", "data")
    ),
    *((MANIFEST, name) for name in ("attempt", "epoch", "step", "status", "wall_s", "time_ms")),
    (MANIFEST, "files"),
    *((ANSWER, name) for name in ("key", "evaluation", "epoch", "time_ms", "metrics", "table")),
]


@pytest.mark.parametrize("value", [..., None, True, "other"], ids=repr)
@pytest.mark.parametrize(("name", "field"), WRONG)
def test_a_field_of_the_wrong_type(storage: Path, name: str, field: str, value: Any) -> None:
    edit(storage / name, **{field: value})
    if value == "other" and field in ("created", "tracking_uri", "program", "label"):
        assert agreed_trials(storage)[ONE] == WHOLE
    else:
        compare(storage, name)


@pytest.mark.parametrize(
    "entry",
    [1, {}, {"size": 5}, {"size": "5", "sha256": ""}, {"size": 6, "sha256": "00"}],
    ids=repr,
)
@pytest.mark.parametrize("file", ["records.json", "state.safetensors", "third.bin"])
def test_what_a_manifest_says_of_a_file(storage: Path, file: str, entry: Any) -> None:
    path = storage / MANIFEST
    edit(path, files=json.loads(path.read_text())["files"] | {file: entry})
    compare(storage, MANIFEST)


@pytest.mark.parametrize("left", ["records.json", "state.safetensors"])
def test_a_manifest_that_names_one_file_only(storage: Path, left: str) -> None:
    files = json.loads((storage / MANIFEST).read_text())["files"]
    edit(storage / MANIFEST, files={left: files[left]})
    compare(storage, MANIFEST)


def test_records_of_another_hash_are_not_read(storage: Path) -> None:
    path = storage / RECORDS
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.7"))
    assert agreed_trials(storage)[ONE] == ("finished", 2, ASKED)


@pytest.mark.parametrize(
    "content",
    [
        "{}",
        "[1]",
        '[{"epoch": 1}]',
        '[{"epoch": "1", "step": 1, "time_ms": 1, "metrics": {}}]',
        '[{"epoch": 1, "step": 1, "time_ms": 1, "metrics": []}]',
        '[{"epoch": 1, "step": 1, "time_ms": 1, "metrics": {"test/kl": "much"}}]',
        '[{"epoch": 1, "step": 1, "time_ms": 1, "metrics": {"test/kl": true}}]',
        "[",
    ],
)
def test_records_that_are_none_though_their_hash_is_right(storage: Path, content: str) -> None:
    (storage / RECORDS).write_text(content)
    seal(storage / NEW)
    assert agreed_trials(storage)[ONE] == ("finished", 2, ASKED)


def test_a_younger_attempt_counts(storage: Path) -> None:
    write_commit(storage / "trials" / ONE / "0002" / "000001", "running", KL[0.1])
    assert agreed_trials(storage)[ONE][:2] == ("running", 1)


@pytest.mark.parametrize("number", ["2", "0002", "00010"])
def test_a_younger_attempt_without_a_valid_commit_does_not(storage: Path, number: str) -> None:
    commit = write_commit(storage / "trials" / ONE / number / "000003", "failed", 1.0)
    (commit / "state.safetensors").unlink()
    assert agreed_trials(storage)[ONE] == WHOLE


def test_a_later_commit_of_an_older_attempt_is_not_read(storage: Path) -> None:
    shutil.move(storage / "trials" / ONE / "0001", storage / "trials" / ONE / "0002")
    assert agreed_trials(storage)[ONE] == WHOLE
    write_commit(storage / "trials" / ONE / "0001" / "000009", "failed", 1.0)
    assert agreed_trials(storage)[ONE] == WHOLE


@pytest.mark.parametrize("name", ["²", "-3", "3.5", "last", ".000003.17"])
def test_folders_without_a_number_are_not_read(storage: Path, name: str) -> None:
    shutil.copytree(storage / OLD, storage / "trials" / ONE / "0001" / name)
    shutil.copytree(storage / "trials" / ONE / "0001", storage / "trials" / ONE / name)
    assert agreed_trials(storage)[ONE] == WHOLE


def test_files_that_belong_to_nothing_are_not_read(storage: Path) -> None:
    for folder in (storage / NEW, (storage / ANSWER).parent, (storage / TRIAL).parent):
        (folder / "notes.txt").write_text("{")
        (folder / ".half.json").write_text("{")
    assert agreed_trials(storage)[ONE] == WHOLE


def test_a_trial_without_a_commit_is_pending(storage: Path) -> None:
    shutil.rmtree(storage / "trials" / ONE / "0001")
    status, epoch, _ = agreed_trials(storage)[ONE]
    assert (status, epoch) == ("pending", 0)


@pytest.mark.parametrize("name", [SWEEP, TRIAL])
def test_a_file_that_lies_where_another_belongs(storage: Path, name: str) -> None:
    edit(storage / name, **({"sweep": "grid-2"} if name == SWEEP else {"id": "f" * 16}))
    compare(storage, name)
