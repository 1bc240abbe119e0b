"""Bad trials are stopped early; the good ones end where they would have without a search."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sweeper.cli import main
from sweeper.grid.searches import SEARCHES
from sweeper.resources import Resources
from sweeper.storage import ledger
from sweeper.sweep import Sweep
from tests.sweeper.mlflow_view import THIRD_PARTY, look
from tests.sweeper.searched import Killed, load, search, states
from tests.sweeper.small import final_state, metrics_of, small_sweep, train

pytestmark = THIRD_PARTY

METHODS = ["asha", "successive_halving"]
RATES = "{model: sigma_vae, sigma: 0.3, lr: {logspace: [1e-4, 1e-1, 9]}}"
EPOCHS = 9


def ladder(folder: Path, method: str, more: str = "", **changes: Any) -> Sweep:
    text = f"{{method: {method}, metric: test/elbo_full, mode: max{more}}}"
    return load(folder, text, RATES, **{"epochs": EPOCHS, **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    """All trials of the ladder, each trained to its end without any search."""
    folder = tmp_path_factory.mktemp("whole")
    sweep = small_sweep(folder, *ladder(folder, "asha").trials)
    train(sweep)
    return sweep


def best_of(whole: Sweep, labels: set[str], epoch: int) -> set[str]:
    """The best third of some trials after an epoch, by what training all of them gave."""
    at = {
        trial.id: metrics_of(whole, trial)[epoch - 1][2]["test/elbo_full"]
        for trial in whole.trials
        if trial.id in labels
    }
    return set(sorted(at, key=lambda trial: -at[trial])[: len(at) // 3])


@pytest.mark.parametrize("waits", [False, True])
def test_one_in_eta_goes_on(waits: bool) -> None:
    name = "successive_halving" if waits else "asha"
    rule: Any = SEARCHES.build(
        {"name": name, "metric": "m", "mode": "max", "reduction": 2, "min_epochs": 3}
    )
    assert rule.rungs(20) == [3, 6, 12, 20]
    assert rule.promoted({}, 4) == []
    assert rule.promoted({7: (1.0,)}, 4) == []
    some: dict[int, tuple[float, ...]] = {0: (9.0, 1.0), 1: (3.0,), 2: (2.0,)}
    assert rule.promoted(some, 4) == ([] if waits else [1])
    assert rule.promoted(some | {3: ()}, 4) == [1, 2]
    less = replace(rule, mode="min")
    assert less.promoted(some | {3: ()}, 4) == [0, 2]
    assert rule.promoted({0: (math.nan,), 1: ()}, 2) == []


def test_successive_halving_keeps_the_best_third_of_each_rung(
    tmp_path: Path, whole: Sweep
) -> None:
    sweep = ladder(tmp_path, "successive_halving")
    source, _ = search(sweep)
    assert source.complete
    first = best_of(whole, {trial.id for trial in whole.trials}, 1)
    second = best_of(whole, first, 3)
    assert (len(first), len(second)) == (3, 1)
    lengths = {trial.id: len(metrics_of(sweep, trial)) for trial in sweep.trials}
    assert lengths == {
        trial.id: 9 if trial.id in second else 3 if trial.id in first else 1
        for trial in sweep.trials
    }


@pytest.mark.parametrize("method", METHODS)
def test_what_is_trained_is_what_it_would_have_been(
    method: str, tmp_path: Path, whole: Sweep
) -> None:
    sweep = ladder(tmp_path, method)
    search(sweep)
    found = states(sweep, sweep.trials)
    ended = [trial for trial in sweep.trials if found[trial.id] == "finished"]
    assert ended
    assert set(found.values()) == {"finished", "pruned"}
    for trial in sweep.trials:
        records = metrics_of(sweep, trial)
        assert len(records) in (1, 3, 9)
        assert records == metrics_of(whole, trial)[: len(records)]
    for trial in ended:
        assert final_state(sweep, trial) == final_state(whole, trial)
    _, news = search(sweep)
    assert news == []


@pytest.mark.parametrize(
    ("method", "kill_at"),
    [pytest.param("asha", 26, marks=pytest.mark.slow), ("successive_halving", 5)],
)
def test_a_killed_search_ends_the_same(method: str, kill_at: int, tmp_path: Path) -> None:
    calm, sweep = (ladder(tmp_path / name, method) for name in ("calm", "killed"))
    _, news = search(calm)
    assert len(news) > kill_at
    with pytest.raises(Killed):
        search(sweep, kill_at)
    with suppress(Killed):
        search(sweep, kill_at=2)
    search(sweep)
    assert states(sweep, sweep.trials) == states(calm, calm.trials)
    for trial in sweep.trials:
        assert metrics_of(sweep, trial) == metrics_of(calm, trial)


def test_a_grid_carries_on_what_was_stopped(tmp_path: Path, whole: Sweep) -> None:
    sweep = ladder(tmp_path, "asha")
    search(sweep)
    train(sweep)
    for trial in sweep.trials:
        assert metrics_of(sweep, trial) == metrics_of(whole, trial)


def test_seeds_climb_together_and_packs_do_not_matter(tmp_path: Path) -> None:
    sweep = ladder(tmp_path, "successive_halving", seeds=2)
    sweep = replace(sweep, resources=Resources(pack=4))
    search(sweep)
    lengths: dict[float, set[int]] = {}
    for trial in sweep.trials:
        lengths.setdefault(trial.params["lr"], set()).add(len(metrics_of(sweep, trial)))
    assert sorted(map(sorted, lengths.values())) == [[1]] * 6 + [[3]] * 2 + [[9]]


def test_a_failed_point_is_never_carried_on(tmp_path: Path) -> None:
    text = "{method: asha, metric: test/elbo_full, mode: max, reduction: 2}"
    sweep = load(
        tmp_path, text, "{model: sigma_vae, sigma: 0.3, lr: [1e30, 1e-4, 1e-2, 1e-3]}", epochs=3
    )
    source, _ = search(sweep)
    assert source.complete
    found = list(states(sweep, sweep.trials).values())
    assert found[0] == "failed"
    assert found[2] == "finished"


def test_an_unknown_metric_names_the_nearest(tmp_path: Path) -> None:
    sweep = ladder(tmp_path, "asha")
    assert sweep.search
    sweep = replace(
        sweep, search=SEARCHES.build({"name": "asha", "metric": "test/elbo_ful", "mode": "max"})
    )
    with pytest.raises(Exception, match="no such metric; did you mean 'test/elbo_full'") as caught:
        search(sweep)
    assert "known: " in str(caught.value)


@pytest.mark.usefixtures("ready_store")
def test_the_command_tells_pruned_from_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = ladder(tmp_path, "asha")
    command = [
        "run",
        str(tmp_path / "grid.yaml"),
        "--storage",
        str(sweep.storage),
        "--tracking",
        sweep.tracking,
        "--inline",
        "--json",
    ]
    for _ in range(2):
        assert main(command) == 0
        found = json.loads(capsys.readouterr().out)
        states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
        pruned = {trial for trial, state in states.items() if state == "pruned"}
        assert (found["finished"], found["pruned"], found["failed"]) == (
            9 - len(pruned),
            len(pruned),
            0,
        )
        [best] = found["best"]
        assert states[best["trials"][0]] == "finished"
        seen = look(sweep.tracking)
        assert {trial for trial, status in seen.statuses.items() if status == "KILLED"} == pruned
        assert set(seen.statuses.values()) == {"KILLED", "FINISHED"}
        assert seen.parents[0].info.status == "FINISHED"
        assert not seen.repeated
        tags = [seen.runs[trial][0].data.tags["sweeper.reason"] for trial in pruned]
        assert all(tag.startswith("stopped early, after epoch ") for tag in tags)
