"""A trial trained again is the same to the last bit, and whoever changed it is found out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from sweeper.cli import main
from sweeper.driver.rerun import rerun
from sweeper.errors import UserError
from sweeper.storage import paths
from sweeper.sweep import Sweep
from tests.sweeper.small import newest, planned, prepared, small_sweep, train


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    found = small_sweep(tmp_path)
    train(found)
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def change(sweep: Sweep, **manifest: Any) -> None:
    """Rewrite the newest manifest, with records that say another KL where `kl` is given."""
    commit = newest(sweep, sweep.trials[0])
    row = dict(commit.manifest)
    if "kl" in manifest:
        records = json.loads((commit.folder / "records.json").read_bytes())
        records[-1]["metrics"]["test/kl"] = manifest.pop("kl")
        content = json.dumps(records).encode()
        (commit.folder / "records.json").write_bytes(content)
        row["files"]["records.json"] = {
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    (commit.folder / "manifest.json").write_text(json.dumps(row | manifest))


@pytest.mark.parametrize("network", ["linear", "mlp"])
def test_a_trial_comes_out_the_same(tmp_path: Path, network: str) -> None:
    trial = planned(network=network)
    sweep = small_sweep(tmp_path, trial)
    train(sweep)
    before = files(sweep.storage)
    found = rerun(sweep.storage, trial.id[:6])
    assert found.identical
    assert (found.epochs, found.weights, dict(found.changed)) == (4, True, {})
    assert found.compared >= 4 * 4
    assert files(sweep.storage) == before


def test_a_diverged_trial_diverges_again(tmp_path: Path) -> None:
    sweep = small_sweep(tmp_path, planned(lr=1e30))
    train(sweep)
    found = rerun(sweep.storage, sweep.trials[0].id)
    assert found.identical
    assert found.weights is None


def test_another_value_is_found(sweep: Sweep, capsys: pytest.CaptureFixture[str]) -> None:
    [kl] = [record.metrics["test/kl"] for record in newest(sweep, sweep.trials[0]).records()[-1:]]
    change(sweep, kl=kl * (1 + 2e-16))
    arguments = ["rerun", sweep.trials[0].id, "--storage", str(sweep.storage)]
    assert main([*arguments, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    [difference] = found["differences"]
    assert (difference["epoch"], difference["metric"]) == (4, "test/kl")
    assert (difference["again"], found["identical"], found["weights"]) == (kl, False, True)
    assert main(arguments) == 1
    words = " ".join(capsys.readouterr().out.split())
    assert "e-16" in words.partition("largest relative difference ")[2]
    assert "nothing differs in versions" in words


def test_what_differs_in_versions_is_said(
    sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = newest(sweep, sweep.trials[0]).manifest["versions"]
    change(sweep, versions=versions | {"torch": "1.0"}, host="elsewhere")
    found = rerun(sweep.storage, sweep.trials[0].id)
    assert found.identical
    assert set(found.changed) == {"torch", "host"}
    assert found.changed["torch"] == ("1.0", versions["torch"])
    assert main(["rerun", sweep.trials[0].id, "--storage", str(sweep.storage)]) == 0
    assert f"torch: 1.0 then, {versions['torch']} now" in capsys.readouterr().out


def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="there is no trial 'none'"):
        rerun(sweep.storage, "none")
    later = planned(seed=5)
    prepared(small_sweep(tmp_path, later))
    with pytest.raises(UserError, match="no records to compare with"):
        rerun(sweep.storage, later.id)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    change(sweep, device="NVIDIA H200")
    with pytest.raises(UserError, match="trained on NVIDIA H200, and there is no GPU here"):
        rerun(sweep.storage, sweep.trials[0].id)


def test_other_data_are_refused(sweep: Sweep) -> None:
    path = paths.trial_file(sweep.storage, sweep.trials[0].id)
    row = json.loads(path.read_bytes())
    path.write_text(json.dumps(row | {"data": row["data"] | {"checksum": "other"}}))
    with pytest.raises(UserError, match="not those that it was trained on"):
        rerun(sweep.storage, sweep.trials[0].id)
