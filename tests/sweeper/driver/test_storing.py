"""`sweeper plan --store`, `python -m trainers` without anything else, `sweeper reconcile`."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeper.cli import main as sweeper
from sweeper.driver.storing import store
from sweeper.errors import UserError
from sweeper.grid.loading import load
from sweeper.status.stored import stored_sweeps
from sweeper.storage import ledger, paths
from sweeper.storage.lease import take_lease
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.tracking.reconcile import reconcile
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import final_state, metrics_of, newest, planned, small_sweep, train
from tests.trainers.test_alone import ABSENT
from trainers import Pack, Record, stored_training
from trainers.__main__ import divided, main
from trainers.stored import stored_trials

pytestmark = READY

ALONE = """
import runpy, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
sys.argv = ["trainers", {folder!r}]
runpy.run_module("trainers", run_name="__main__")
"""


def trained_alone(folder: Path) -> subprocess.CompletedProcess[str]:
    """`python -m trainers` in a process that cannot import what trainers does not need."""
    code = ALONE.format(absent=ABSENT, folder=str(folder))
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def assert_equal(one: Sweep, other: Sweep, trial: PlannedTrial) -> None:
    """Weights, metrics, pictures and values of single examples: all to the last bit."""
    assert final_state(one, trial) == final_state(other, trial)
    assert metrics_of(one, trial) == metrics_of(other, trial)
    for place in (paths.gallery_file, paths.examples_file):
        first, second = (
            np.load(place(paths.trial_folder(sweep.storage, trial.id))) for sweep in (one, other)
        )
        assert first.files
        assert {name: first[name].tobytes() for name in first.files} == {
            name: second[name].tobytes() for name in second.files
        }


def test_what_trainers_alone_has_trained_is_the_sweep(tmp_path: Path) -> None:
    grid = {
        "experiment": "demo",
        "data": "digits",
        "defaults": {"network": "mlp", "hidden": [16], "d_z": 4, "epochs": 3, "batch_size": 256},
        "seeds": 2,
        "trials": [{"model": "sigma_vae", "sigma": [0.1, 0.2]}],
    }
    bare, whole = (
        load(
            grid,
            storage=str(tmp_path / name),
            tracking=f"sqlite:///{tmp_path}/{name}.db",
            folder=tmp_path,
        )
        for name in ("bare", "whole")
    )
    store(bare)
    done = trained_alone(bare.storage)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 finished" in done.stdout
    train(whole)
    for trial in bare.trials:
        assert_equal(bare, whole, trial)
        assert newest(bare, trial).manifest.keys() == newest(whole, trial).manifest.keys()
    [stored] = stored_sweeps(bare.storage, "demo")
    found = reconcile(stored)
    assert (found.trials, found.created) == (4, 4)
    seen = look(bare.tracking)
    assert set(seen.statuses.values()) == {"FINISHED"}
    for trial in bare.trials:
        assert [value for _, _, value in seen.history[trial.id, "test/kl"]] == [
            metrics["test/kl"] for _, _, metrics in metrics_of(whole, trial)
        ]


def test_the_command_stores_what_it_plans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(
        "experiment: alone\ndata: digits\ndefaults: {network: linear, d_z: 2, epochs: 1}\n"
        "seeds: 1\ntrials: [{model: sigma_vae, sigma: 0.1}]\n"
    )
    assert sweeper(["plan", "grid.yaml", "--json"]) == 0
    assert not (tmp_path / "sweeps").exists()
    capsys.readouterr()
    assert sweeper(["plan", "grid.yaml", "--json", "--store"]) == 0
    [trial] = json.loads(capsys.readouterr().out)["trials"]
    about = json.loads(paths.trial_file("sweeps", trial["id"]).read_text())
    assert about["label"] == trial["label"]
    [sweep] = paths.sweep_files(Path("sweeps"))
    assert main([str(sweep.parent)]) == 0, "a sweep's folder will do"
    assert ledger.status("sweeps", [trial["id"]]) == {trial["id"]: "finished"}
    assert main(["sweeps"]) == 0
    assert "0 of 1 trials to train, 1 are finished" in capsys.readouterr().out


def test_a_trial_that_was_cut_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    calm, torn = (small_sweep(tmp_path / name) for name in ("calm", "torn"))
    store(torn)
    assert main([str(torn.storage)]) == 0
    (newest(torn, torn.trials[0]).folder / "manifest.json").unlink()
    assert newest(torn, torn.trials[0]).progress.epoch == 2
    assert main([str(torn.storage)]) == 0
    train(calm)
    assert_equal(torn, calm, calm.trials[0])
    assert newest(torn, torn.trials[0]).manifest["parent"] == "0001/000002"


def test_packs_are_those_of_a_sweep(tmp_path: Path) -> None:
    trials = [planned(seed=seed, network="mlp") for seed in range(5)]
    alone, whole = (small_sweep(tmp_path / name, *trials) for name in ("alone", "whole"))
    store(alone)
    assert main([str(alone.storage), "--pack", "3"]) == 0
    train(whole, size=5)
    for trial in trials:
        assert_equal(alone, whole, trial)
        assert newest(alone, trial).manifest["packed"]


@pytest.mark.parametrize("pack", ["3", "auto"])
def test_who_is_left_alone_has_the_bits_of_a_pack(tmp_path: Path, pack: str) -> None:
    """As it has in a sweep: whoever was trained before, or is trained by another process."""
    trials = [planned(seed=seed, network="mlp", batch_size=16) for seed in range(3)]
    calm, torn = (small_sweep(tmp_path / name, *trials) for name in ("calm", "torn"))
    for sweep in (calm, torn):
        store(sweep)
        assert main([str(sweep.storage), "--pack", pack]) == 0
    shutil.rmtree(paths.trial_folder(torn.storage, trials[1].id) / "0001")
    assert main([str(torn.storage), "--pack", pack]) == 0
    assert_equal(calm, torn, trials[1])
    assert newest(torn, trials[1]).manifest["packed"]


def test_a_copy_that_has_no_room_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Pack.run_epoch

    def run_epoch(pack: Pack) -> dict[int, Record]:
        if pack.packed:
            raise MemoryError
        return whole(pack)

    monkeypatch.setattr(Pack, "run_epoch", run_epoch)
    sweep = small_sweep(tmp_path, planned(), planned(seed=2))
    store(sweep)
    assert main([str(sweep.storage), "--pack", "2"]) == 0
    assert "packed" not in newest(sweep, sweep.trials[0]).manifest


@pytest.mark.parametrize("begun", [False, True])
def test_what_cannot_be_computed_as_a_pack_is_trained_by_itself(
    begun: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a pack and of the last trial of one, which is computed as a pack is."""
    whole = Pack.run_epoch

    def run_epoch(pack: Pack) -> dict[int, Record]:
        if pack.packed:
            raise RuntimeError("vmap: inplace arithmetic is not possible")
        return whole(pack)

    sweep = small_sweep(tmp_path, *[planned(seed=seed) for seed in range(3)])
    store(sweep)
    if begun:  # as a pack, whose last commit is gone
        assert main([str(sweep.storage), "--pack", "2"]) == 0
        for trial in sweep.trials:
            (newest(sweep, trial).folder / "manifest.json").unlink()
    monkeypatch.setattr(Pack, "run_epoch", run_epoch)
    assert main([str(sweep.storage), "--pack", "2"]) == 0


def test_the_size_of_packs_may_be_left_to_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each program is probed with all of its trials; here the answer is given."""
    asked = list[int]()

    def probe(trials: list[object], device: str) -> int:
        asked.append(len(trials))
        return 2

    monkeypatch.setattr("trainers.__main__.advised_size", probe)
    sweep = small_sweep(tmp_path, planned(), *[planned(seed=s, network="mlp") for s in range(5)])
    store(sweep)
    trials = stored_trials(sweep.storage)
    found = [len(pack) for pack in divided(trials, "cuda", None)]
    assert (sorted(found), sorted(asked)) == ([1, 1, 2, 2], [1, 5])
    assert [len(pack) for pack in divided(trials, "cpu", None)] == [1] * 6
    assert main([str(sweep.storage), "--pack", "auto"]) == 0
    assert not newest(sweep, sweep.trials[1]).manifest.get("packed")


def test_a_failure_is_that_of_one_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = planned(network="mlp"), planned(network="mlp", lr=1e30)
    sweep = small_sweep(tmp_path, good, bad)
    store(sweep)
    assert main([str(sweep.storage), "--pack", "2"]) == 1
    states = ledger.status(sweep.storage, [good.id, bad.id])
    assert states == {good.id: "finished", bad.id: "failed"}
    failed = ledger.failure(sweep.storage, bad.id)
    assert failed
    assert failed.kind == "diverged"
    capsys.readouterr()
    assert main([str(sweep.storage)]) == 1
    assert "0 of 2 trials to train" in capsys.readouterr().out


def test_a_picture_that_cannot_be_made_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*arguments: object) -> None:
        raise ValueError("no colours left")

    monkeypatch.setattr(stored_training, "gallery", broken)
    sweep = small_sweep(tmp_path)
    store(sweep)
    assert main([str(sweep.storage)]) == 0
    assert "no pictures: ValueError: no colours left" in capsys.readouterr().out


def test_whatever_a_trial_raises_is_its_own_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pack that raises is halved, until the one that raises is alone."""
    whole = Pack.run_epoch

    def run_epoch(pack: Pack) -> dict[int, Record]:
        if any(trial.seed == 3 for trial in pack.trials):
            raise ValueError("an odd seed")
        return whole(pack)

    monkeypatch.setattr(Pack, "run_epoch", run_epoch)
    sweep = small_sweep(tmp_path, *[planned(seed=seed) for seed in range(5)])
    store(sweep)
    assert main([str(sweep.storage), "--pack", "5"]) == 1
    states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
    assert list(states.values()) == ["finished"] * 3 + ["failed", "finished"]
    odd = sweep.trials[3].id
    failed = ledger.failure(sweep.storage, odd)
    assert failed
    assert (failed.reason, failed.repeats) == ("ValueError: an odd seed", False)
    assert "an odd seed" in paths.error_file(paths.trial_folder(sweep.storage, odd)).read_text()
    monkeypatch.undo()
    assert main([str(sweep.storage)]) == 0


def test_a_checkpoint_outlives_the_failure_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails in the epoch after a checkpoint goes on from there when it is tried again."""
    whole, epochs = Pack.run_epoch, list[int]()

    def run_epoch(pack: Pack) -> dict[int, Record]:
        epochs.append(pack.epoch)
        if epochs == [0, 1, 2]:
            raise OSError("a passing fault")
        return whole(pack)

    monkeypatch.setattr(Pack, "run_epoch", run_epoch)
    sweep = small_sweep(tmp_path)
    store(sweep)
    assert [main([str(sweep.storage)]) for _ in range(2)] == [1, 0]
    assert epochs == [0, 1, 2, 2, 3]


def test_a_pack_without_room_is_gone_before_its_halves_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They need its memory."""
    packs, beside, prepare = list[weakref.ref[Pack]](), list[int](), Pack.__init__
    whole = Pack.run_epoch

    def init(pack: Pack, *arguments: Any) -> None:
        gc.collect()
        beside.append(sum(one() is not None for one in packs))
        packs.append(weakref.ref(pack))
        prepare(pack, *arguments)

    def run_epoch(pack: Pack) -> dict[int, Record]:
        if len(pack.trials) > 1:
            raise MemoryError
        return whole(pack)

    monkeypatch.setattr(Pack, "__init__", init)
    monkeypatch.setattr(Pack, "run_epoch", run_epoch)
    sweep = small_sweep(tmp_path, *[planned(seed=seed) for seed in range(4)])
    store(sweep)
    assert main([str(sweep.storage), "--pack", "4"]) == 0
    assert beside == [0] * 7


def test_what_another_process_trains_is_left_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = small_sweep(tmp_path, planned(), planned(seed=2))
    store(sweep)
    held = take_lease(paths.trial_folder(sweep.storage, sweep.trials[0].id))
    assert held
    with held:
        assert main([str(sweep.storage)]) == 1
    states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
    assert list(states.values()) == ["pending", "finished"]
    assert main([str(sweep.storage)]) == 0
    assert "2 of 2 finished" in capsys.readouterr().out


def test_other_data_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep = small_sweep(tmp_path)
    store(sweep)
    path = paths.trial_file(sweep.storage, sweep.trials[0].id)
    row = json.loads(path.read_text())
    path.write_text(json.dumps(row | {"data": row["data"] | {"checksum": "0" * 16}}))
    assert main([str(sweep.storage)]) == 1
    assert "was planned with 0000000000000000" in capsys.readouterr().out
    assert ledger.newest_commit(sweep.storage, sweep.trials[0].id) is None


@pytest.mark.parametrize(
    ("text", "asked", "words"),
    [
        (None, [], "holds no trials"),
        ("{", [], "missing or damaged"),
        ("whole", ["--device", "cuda"], "torch sees no GPU here"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    asked: list[str],
    words: str,
) -> None:
    if asked and os.path.exists("/dev/nvidia0"):
        pytest.skip("there is a GPU")
    (tmp_path / "sweeps").mkdir()
    if text == "whole":
        store(small_sweep(tmp_path))
    elif text:
        path = paths.trial_file(tmp_path / "sweeps", "0" * 16)
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert main([str(tmp_path / "sweeps"), *asked]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_search_that_looks_at_results_is_refused(tmp_path: Path) -> None:
    sweep = load(
        {
            "experiment": "searched",
            "data": "digits",
            "defaults": {"network": "linear", "d_z": 2, "epochs": 1},
            "trials": [{"model": "sigma_vae", "sigma": {"uniform": [0.1, 0.2]}}],
            "search": {"method": "tpe", "trials": 3, "metric": "test/elbo", "mode": "max"},
        },
        storage=str(tmp_path / "sweeps"),
        folder=tmp_path,
    )
    with pytest.raises(UserError, match="chooses by results"):
        store(sweep)
    assert not paths.sweep_file(sweep).exists()
