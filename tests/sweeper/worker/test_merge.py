"""`aliases: merge`: one of all aliases is trained, and the others are what training them gives."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from sweeper.cli import main
from sweeper.driver.jobs import Jobs
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.grid import loading
from sweeper.messages import Event
from sweeper.resources import Resources
from sweeper.schedule.inline import InlineSchedule
from sweeper.storage import ledger, paths
from sweeper.storage.claims import Claims
from sweeper.storage.evaluations import read_evaluations
from sweeper.sweep import PlannedTrial, Sweep
from sweeper.worker import worker
from tests.sweeper.grids import HEAD, grid_text, trials_of, write_grid
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import final_state, metrics_of, newest
from trainers import checkpoint

pytestmark = READY
MERGE = HEAD.replace("seeds: 2", "seeds: 1") + "aliases: merge\n"
PAIR = ("{model: sigma_vae, sigma: 0.06}", "{model: sigma_vae, sigma: 0.03, beta: 4}")
DIGITS = """\
experiment: demo
data: digits
defaults: {network: mlp, hidden: [16], d_z: 4, epochs: 4, batch_size: 256, test_every: 2}
seeds: [3]
aliases: merge
evaluate: [{nll: {k: 10, examples: 50}}]
"""


def pairs(text: str) -> dict[str, str]:
    trials = {trial.id: trial for trial in trials_of(text)}
    return {
        trial.label: trials[trial.merged_from].label
        for trial in trials.values()
        if trial.merged_from
    }


@pytest.mark.parametrize(
    ("blocks", "wanted"),
    [
        (
            (
                "{model: sigma_vae, sigma: 0.03, beta: [4, 16]}",
                "{model: sigma_vae, sigma: [0.03, 0.06]}",
            ),
            {"sigma_vae σ=0.03 β=4 seed=0": "sigma_vae σ=0.06 seed=0"},
        ),
        (
            (
                "{model: sigma_vae, sigma: 0.03, beta: 16}",
                "{model: sigma_vae, sigma: 0.06, beta: 4}",
            ),
            {"sigma_vae σ=0.06 β=4 seed=0": "sigma_vae σ=0.03 β=16 seed=0"},
        ),
        (
            ("{model: alpha_vae, alpha: 0.1, beta: 2}", "{model: alpha_vae, alpha: 0.2}"),
            {"alpha_vae α=0.1 β=2 seed=0": "alpha_vae α=0.2 seed=0"},
        ),
        (("{model: sigma_vae, sigma: 0.03, beta: 4, aliases: keep}", PAIR[0]), {}),
        (("{model: sigma_vae, sigma: 0.03, beta: 4, epochs: 3}", PAIR[0]), {}),
        (("{model: sigma_vae, sigma: 0.03, beta: 4, seeds: [1]}", PAIR[0]), {}),
        (("{model: uvb, sigma: 0.03, beta: 4}", "{model: uvb, sigma: 0.06}"), {}),
    ],
)
def test_aliases_with_the_same_seed_are_merged_into_one(
    blocks: tuple[str, ...], wanted: dict[str, str]
) -> None:
    assert pairs(grid_text(*blocks, head=MERGE)) == wanted


def test_a_merged_trial_is_no_other_trial() -> None:
    """What was not trained is no evidence for the twin that is, nor for the trial as written."""
    ids = {
        aliases: trials_of(grid_text(*PAIR, head=MERGE.replace("merge", aliases)))[1].id
        for aliases in ("keep", "merge", "verify")
    }
    assert len(set(ids.values())) == 3


def test_a_trial_that_stands_twice_is_refused_all_the_same() -> None:
    with pytest.raises(UserError, match="appears twice"):
        trials_of(grid_text(*PAIR, PAIR[1], head=MERGE))


def load(folder: Path, *blocks: str, head: str = DIGITS) -> Sweep:
    folder.mkdir(exist_ok=True)
    path = write_grid(folder, grid_text(*blocks, head=head))
    return loading.load(path, storage=str(folder / "s"), tracking=f"sqlite:///{folder}/mlflow.db")


def drive(sweep: Sweep, **options: Any) -> Any:
    screen = Console(file=io.StringIO())
    return run(sweep, RunOptions(**{"inline": True, "console": screen} | options))


def train(sweep: Sweep) -> dict[str, Event]:
    """Train and merge in this process, without a tracker; returns the last news of each trial."""
    ledger.write_sweep(sweep, {})
    ledger.write_trials(sweep)
    with Claims(sweep.storage) as claims:
        jobs, last = Jobs(sweep, sweep.trials, claims), dict[str, Event]()

        def hear(events: list[Event]) -> None:
            last.update({event.trial: event for event in events})
            jobs.hear(events)

        InlineSchedule().run(jobs, sweep.resources, hear)
    return last


def phases(sweep: Sweep) -> list[str]:
    last = train(sweep)
    return [last[trial.id].phase for trial in sweep.trials]


def answers(sweep: Sweep, trial: PlannedTrial) -> dict[str, float]:
    return {
        name: value
        for one in read_evaluations(sweep.storage, trial.id)
        for name, value in one.metrics.items()
    }


@pytest.mark.parametrize(
    ("source", "alias", "exact"),
    [
        (*PAIR, True),
        (PAIR[1], "{model: sigma_vae, sigma: 0.015, beta: 16}", True),
        ("{model: alpha_vae, alpha: 0.2}", "{model: alpha_vae, alpha: 0.1, beta: 2}", True),
        ("{model: sigma_vae, sigma: 0.09}", "{model: sigma_vae, sigma: 0.03, beta: 9}", False),
    ],
)
def test_a_merged_trial_is_what_training_its_twin_gives(
    tmp_path: Path, source: str, alias: str, exact: bool
) -> None:
    """The twin is trained with the scaled ε: to the last bit, if β is a power of two."""
    sweep = load(tmp_path, source, alias)
    merged = sweep.trials[1]
    assert phases(sweep) == ["finished"] * 2
    twin = replace(merged, id="twin", merged_from=None)
    other = replace(sweep, trials=(twin,), storage=tmp_path / "other")
    assert phases(other) == ["finished"]
    near = {"rel": 1e-4, "abs": 1e-4} if not exact else {"rel": 2e-5, "abs": 2e-5}
    if exact:
        assert final_state(sweep, merged) == final_state(other, twin)
        assert answers(sweep, merged) == answers(other, twin)
    found, wanted = metrics_of(sweep, merged), metrics_of(other, twin)
    held_out = {name for name in wanted[-1][2] if name.startswith("test/")}
    assert "test/denoise" in held_out
    for (epoch, step, own), (wanted_epoch, wanted_step, theirs) in zip(found, wanted, strict=True):
        last = epoch == wanted[-1][0]
        assert (epoch, step) == (wanted_epoch, wanted_step)
        assert set(theirs) - set(own) <= (set() if last else {"test/denoise"})
        for name, value in own.items():
            if exact and ((last and name in held_out) or name.endswith(("/kl", "/recon"))):
                assert value == theirs[name], (epoch, name)
            assert value == pytest.approx(theirs[name], **near), (epoch, name)
    assert answers(sweep, merged) == pytest.approx(answers(other, twin), rel=1e-3)


def test_the_evidence_is_its_own(tmp_path: Path) -> None:
    sweep = load(tmp_path, *PAIR)
    train(sweep)
    source, merged = (metrics_of(sweep, trial)[-1][2] for trial in sweep.trials)
    assert merged["test/kl"] == source["test/kl"]
    assert merged["test/elbo"] == pytest.approx(
        -merged["test/recon"] / (2 * 0.03**2) - merged["test/kl"], rel=1e-5
    )
    with np.load(paths.examples_file(sweep.storage / "trials" / sweep.trials[1].id)) as kept:
        for name in ("kl", "recon"):
            assert kept[name].mean() == pytest.approx(merged[f"test/{name}"], rel=1e-5)
    assert merged["test/elbo_full"] == pytest.approx(
        merged["test/elbo"] - 32 * math.log(2 * math.pi * 0.03**2), rel=1e-5
    )
    assert answers(sweep, sweep.trials[0])["nll"] != answers(sweep, sweep.trials[1])["nll"]


def test_merged_trials_are_runs_that_name_their_source(tmp_path: Path) -> None:
    sweep = load(tmp_path, *PAIR)
    drive(sweep)
    seen = look(sweep.tracking)
    assert set(seen.statuses.values()) == {"FINISHED"}
    assert not seen.repeated
    source, merged = sweep.trials
    tags = seen.runs[merged.id][0].data.tags
    assert (tags["sweeper.role"], tags["sweeper.merged_from"]) == ("merged", source.id)
    assert [step for step, *_ in seen.history[merged.id, "test/kl"]] == [2, 4]


def test_a_merge_that_was_not_committed_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*arguments: object) -> None:
        raise Killed

    sweep = load(tmp_path, *PAIR)
    with monkeypatch.context() as patch:
        patch.setattr(worker, "merge", killed)
        with pytest.raises(Killed):
            drive(sweep)
    merged = sweep.trials[1]
    assert ledger.status(sweep.storage, [merged.id]) == {merged.id: "pending"}
    assert drive(sweep).finished == 2
    before = final_state(sweep, merged), metrics_of(sweep, merged)
    (newest(sweep, merged).folder / "manifest.json").unlink()
    assert drive(sweep).finished == 2
    assert (final_state(sweep, merged), metrics_of(sweep, merged)) == before
    assert not look(sweep.tracking).repeated


def test_without_its_source_a_merge_fails_and_says_why(tmp_path: Path) -> None:
    sweep = load(tmp_path, *PAIR, head=DIGITS.replace("test_every: 2", "lr: 1e30"))
    last = train(sweep)
    assert [one.phase for one in last.values()] == ["failed"] * 2
    assert last[sweep.trials[1].id].reason == (
        f"the trial {sweep.trials[0].id}, whose parameters this one takes (aliases: merge), is "
        "not finished"
    )


def test_a_source_of_the_other_kind_of_device_is_not_merged_from(tmp_path: Path) -> None:
    """Its numbers are copied, and beside them would stand others, of other last digits."""
    sweep = load(tmp_path, *PAIR)
    train(replace(sweep, trials=sweep.trials[:1]))
    commit = newest(sweep, sweep.trials[0])
    manifest = {**commit.manifest, "device": "NVIDIA H200"}
    (commit.folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    last = train(sweep)[sweep.trials[1].id]
    assert last.phase == "failed"
    assert "was made on a GPU (NVIDIA H200), and this run trains on a CPU" in str(last.reason)


def test_a_merge_waits_for_its_source(tmp_path: Path) -> None:
    sweep = load(tmp_path, *PAIR, "{model: sigma_vae, sigma: 0.12}")
    source, merged, other = sweep.trials
    with Claims(sweep.storage) as claims:
        jobs = Jobs(sweep, sweep.trials, claims)
        handed = iter(jobs)
        first = [next(handed) for _ in range(3)]
        assert [one and one.trials[0].id for one in first] == [source.id, other.id, None]
        jobs.hear([Event(source.id, "running"), Event(other.id, "finished")])
        assert next(handed) is None
        jobs.hear([Event(source.id, "finished")])
        last = next(handed)
        assert last
        assert [(one.id, one.merged_from) for one in last.trials] == [(merged.id, source.id)]
        assert next(handed, "end") == "end"


def test_a_pack_of_sources_is_merged_from(tmp_path: Path) -> None:
    sweep = load(
        tmp_path,
        "{model: sigma_vae, sigma: [0.06, 0.12]}",
        "{model: sigma_vae, sigma: 0.03, beta: [4, 16]}",
    )
    assert phases(replace(sweep, resources=Resources(pack=4))) == ["finished"] * 4
    states = [final_state(sweep, trial) for trial in sweep.trials]
    assert (states[0], states[1]) == (states[2], states[3])


@pytest.mark.slow
def test_ray_merges_as_one_process_does(tmp_path: Path) -> None:
    sweep, again = load(tmp_path / "ray", *PAIR), load(tmp_path / "inline", *PAIR)
    assert drive(sweep, inline=False).finished == drive(again).finished == 2
    for trial in sweep.trials:
        assert final_state(sweep, trial) == final_state(again, trial)
        assert metrics_of(sweep, trial) == metrics_of(again, trial)


def test_a_merged_trial_is_not_trained_again_by_rerun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = load(tmp_path, *PAIR)
    train(sweep)
    source, merged = sweep.trials
    assert main(["rerun", merged.id, "--storage", str(sweep.storage)]) == 2
    assert f"`sweeper rerun {source.id}` trains those again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("aliases", "said"),
    [
        ("merge", "merging  1 trial takes the parameters of an alias, which saves about"),
        ("keep", "merging  `aliases: merge` would train 1 trial less, and save about"),
    ],
)
def test_a_plan_says_what_merging_saves(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    aliases: str,
    said: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    path = write_grid(tmp_path, grid_text(*PAIR, head=DIGITS.replace("merge", aliases)))
    command = ["plan", str(path), "--storage", str(tmp_path / "s")]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert said in out
    assert ("for 1 trial, 1 at once" in out) is (aliases == "merge")
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["merging"]["trials"], found["merging"]["would"]) == (1, aliases == "keep")
    assert found["merging"]["seconds"] >= 0
    assert found["packs"] == (1 if aliases == "merge" else 2)


@pytest.mark.parametrize(
    "search",
    [
        "{method: tpe, metric: test/kl, mode: min, trials: 2}",
        "{method: asha, metric: test/kl, mode: min}",
    ],
)
def test_a_search_that_stops_trials_merges_none(tmp_path: Path, search: str) -> None:
    block = "{model: sigma_vae, sigma: {uniform: [0.1, 0.2]}, beta: 4}"
    with pytest.raises(UserError, match="as a merged trial does: write `aliases: keep`"):
        load(
            tmp_path,
            *(PAIR if "asha" in search else (block,)),
            head=DIGITS + f"search: {search}\n",
        )


def test_the_commit_of_a_merge_holds_no_moments(tmp_path: Path) -> None:
    sweep = load(tmp_path, *PAIR)
    train(sweep)
    commit = checkpoint.latest(paths.trial_folder(sweep.storage, sweep.trials[1].id))
    assert commit
    assert {name.partition("/")[0] for name in commit.load()} == {"param"}
