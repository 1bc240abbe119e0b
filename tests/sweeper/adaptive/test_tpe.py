"""TPE learns, is the same every time, goes on after a kill, and trains nothing twice."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from sweeper.cli import main
from sweeper.driver.best import BestPoint, pareto, said_of, search_result
from sweeper.errors import UserError
from sweeper.status.reached import reached
from sweeper.storage import paths
from sweeper.sweep import Goal, Sweep
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.searched import Killed, load, search, source_of, states
from tests.sweeper.small import train

pytestmark = READY

LR = "{model: sigma_vae, sigma: 0.3, lr: {loguniform: [1e-5, 1e-1]}}"


def tpe(folder: Path, *blocks: str, trials: int = 6, seed: int = 0, seeds: object = 1) -> Sweep:
    text = (
        f"{{method: tpe, trials: {trials}, startup: 4, seed: {seed}, "
        "metric: test/elbo_full, mode: max}"
    )
    return load(folder, text, *(blocks or (LR,)), seeds=seeds)


def ids(sweep: Sweep) -> list[str]:
    return [trial.id for trial in source_of(sweep).trials]


def value(sweep: Sweep, trial: str) -> float:
    return reached(sweep.storage, trial).last()["test/elbo_full"]


def test_it_finds_what_a_grid_finds(tmp_path: Path) -> None:
    """The best rate of a fine grid, to a step of it, and mostly there once it has learned."""
    rates = load(
        tmp_path / "grid",
        "{}",
        LR.replace("loguniform: [1e-5, 1e-1]", "logspace: [1e-5, 1e-1, 9]"),
    )
    train(rates)
    known = {trial.params["lr"]: value(rates, trial.id) for trial in rates.trials}
    optimum = max(known, key=lambda lr: known[lr])
    sweep = tpe(tmp_path / "tpe", trials=20)
    source, _ = search(sweep)
    tried = [abs(math.log10(trial.params["lr"] / optimum)) for trial in source.trials]
    assert len(tried) == 20
    assert sum(tried[-8:]) / 8 < sum(tried[:4]) / 4
    [found] = search_result(replace(sweep, trials=source.trials)).best
    assert found.values["test/elbo_full"] >= sorted(known.values())[-2]
    [first, flattered, *rest] = said_of(sweep, [asdict(found)])
    assert "flattered by chance" in flattered
    assert said_of(sweep, [asdict(found)], reported=True) == rest, "the report says the first two"
    assert first.startswith(f"First by test/elbo_full (max) ({found.training['remark']}): ")
    [chosen] = [trial for trial in source.trials if trial.id in found.trials]
    assert abs(math.log10(chosen.params["lr"] / optimum)) <= 0.5


def test_it_is_the_same_every_time(tmp_path: Path) -> None:
    one, same, other = (
        tpe(tmp_path / name, seed=seed) for name, seed in (("one", 0), ("same", 0), ("other", 1))
    )
    for sweep in (one, same, other):
        search(sweep)
    assert ids(one) == ids(same)
    assert not set(ids(one)) & set(ids(other))


@pytest.mark.parametrize("kill_at", [0, 12])
def test_a_killed_study_goes_on_as_if_nothing_had_been(kill_at: int, tmp_path: Path) -> None:
    calm, sweep = (tpe(tmp_path / name, trials=7) for name in ("calm", "killed"))
    search(calm)
    with pytest.raises(Killed):
        search(sweep, kill_at)
    source, _ = search(sweep)
    assert source.complete
    assert [trial.id for trial in source.trials] == ids(calm)
    assert set(states(sweep, source.trials).values()) == {"finished"}
    _, news = search(sweep)
    assert news == []


def test_a_torn_journal_is_mended(tmp_path: Path) -> None:
    """Cut anywhere in the last point: what is read is whole, and what is next the same."""
    sweep = tpe(tmp_path, trials=5)
    search(sweep)
    journal = paths.sweep_folder(sweep) / "study.journal"
    content, whole = journal.read_bytes(), ids(sweep)
    last = content.rindex(b'"op_code":4')
    first = content.rindex(b"\n", 0, last)
    for cut in range(first, len(content), (len(content) - first) // 12):
        journal.write_bytes(content[:cut])
        study = source_of(sweep)
        assert [trial.id for trial in study.trials] in (whole[:-1], whole)
        while study.ask(()) is not None:
            pass
        assert [trial.id for trial in study.trials] == whole
        assert study.complete


def test_known_trials_are_told_and_not_trained(tmp_path: Path) -> None:
    block = "{model: sigma_vae, sigma: 0.3, lr: %s}"
    known = load(tmp_path, "{}", block % "[0.001, 0.01, 0.1]")
    train(known)
    sweep = tpe(tmp_path, block % "{choice: [0.001, 0.01, 0.1]}")
    source, news = search(sweep)
    assert news == []
    assert source.complete
    assert {trial.id for trial in source.trials} <= {trial.id for trial in known.trials}
    assert search_result(replace(sweep, trials=source.trials)).best


def test_more_trials_go_on_with_the_same_study(tmp_path: Path) -> None:
    few, more = tpe(tmp_path, trials=4), tpe(tmp_path, trials=6)
    assert few.name == more.name
    search(few)
    first = ids(few)
    _, news = search(more)
    assert ids(more)[:4] == first
    assert len({event.trial for event in news}) == 2


def test_blocks_are_conditions_and_seeds_make_a_point(tmp_path: Path) -> None:
    sweep = tpe(
        tmp_path,
        "{model: sigma_vae, sigma: 0.3, d_z: {int: [1, 6]}}",
        "{model: noisy_vae, sigma: 0.3, corruption: {name: gaussian, sigma: "
        "{uniform: [0.1, 0.5]}}}",
        "{model: sigma_vae, sigma: 0.5}",
        seeds=2,
        trials=8,
    )
    source, _ = search(sweep)
    models = [trial.params["model"] for trial in source.trials]
    assert set(models) == {"sigma_vae", "noisy_vae"}
    assert [trial.params["seed"] for trial in source.trials] == [0, 1] * (len(models) // 2)
    labels = {trial.label for trial in source.trials}
    assert len(labels) == len(models)
    assert "sigma_vae σ=0.5 seed=1" in labels
    assert set(states(sweep, source.trials).values()) == {"finished"}


def test_a_point_that_fails_is_worse_than_all(tmp_path: Path) -> None:
    sweep = tpe(tmp_path, "{model: sigma_vae, sigma: 0.3, lr: {choice: [0.001, 1e30]}}", trials=9)
    source, _ = search(sweep)
    assert source.complete
    found = states(sweep, source.trials)
    assert sorted(found.values()) == ["failed", "finished"]
    _, news = search(sweep)
    assert news == []


def dominated(one: BestPoint, other: BestPoint, goals: list[Goal]) -> bool:
    """By the definition: nowhere better, and somewhere worse."""
    signs = {name: 1 if mode == "min" else -1 for name, mode in goals}
    gaps = [signs[name] * (one.values[name] - other.values[name]) for name in signs]
    return min(gaps) >= 0 and max(gaps) > 0


def test_a_pareto_set_is_what_nothing_dominates() -> None:
    points = [
        BestPoint(str(i), (str(i),), {"a": a, "b": b})
        for i, (a, b) in enumerate(itertools.product([0.0, 1.0, 2.0], repeat=2))
    ]
    goals: list[Goal] = [("a", "min"), ("b", "max")]
    assert [one.values for one in pareto(points, goals)] == [{"a": 0.0, "b": 2.0}]
    line = [points[0], points[4], points[8], points[7]]
    assert pareto(line, goals) == [points[0], points[4], points[8]]


def test_several_goals_give_a_pareto_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The smaller σ, the larger KL and the better the reconstruction: no point is best in both."""
    sweep = load(
        tmp_path,
        "{method: tpe, trials: 8, startup: 4, metrics: [test/kl, test/recon], modes: [min, max]}",
        "{model: sigma_vae, sigma: {loguniform: [0.1, 1]}, lr: 0.03}",
    )
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
    assert main(command) == 0
    row = json.loads(capsys.readouterr().out)
    folder = paths.sweep_folder(sweep)
    assert json.loads((folder / "search.json").read_bytes())["best"] == row["best"]
    remark = "no claim, for 8 of 8 trials are not trained after 1 epoch"
    assert {one["training"]["remark"] for one in row["best"]} == {remark}
    assert said_of(sweep, row["best"])[0].startswith(
        f"Pareto set of test/kl (min) and test/recon (max) ({remark}), "
    )
    stored = json.loads((folder / "sweep.json").read_bytes())["trials"]
    assert len(stored) == row["trials"] == row["finished"] == 8
    goals: list[Goal] = [("test/kl", "min"), ("test/recon", "max")]
    points = [
        BestPoint(
            one["id"],
            (one["id"],),
            {name: reached(sweep.storage, one["id"]).last()[name] for name, _ in goals},
        )
        for one in stored
    ]
    wanted = {
        one.point for one in points if not any(dominated(one, other, goals) for other in points)
    }
    assert {trial for one in row["best"] for trial in one["trials"]} == wanted
    assert len(wanted) > 1
    assert (
        main(["status", str(tmp_path / "grid.yaml"), "--storage", str(sweep.storage), "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["counts"]["finished"] == 8
    seen = look(sweep.tracking)
    assert seen.statuses == {one["id"]: "FINISHED" for one in stored}
    assert seen.parents[0].info.status == "FINISHED"


def test_an_evaluation_may_be_looked_at_and_its_names_are_told_when_it_ends(
    tmp_path: Path,
) -> None:
    text = (
        "{{method: tpe, trials: 2, metric: active_units{}, mode: max}}\nevaluate: [active_units]"
    )
    search(load(tmp_path / "right", text.format(""), LR))
    sweep = load(tmp_path / "wrong", text.format("s"), LR)
    with pytest.raises(UserError, match="no such metric; did you mean 'active_units'"):
        search(sweep)
    assert list(states(sweep, source_of(sweep).trials).values()) == ["finished"]


@pytest.mark.parametrize(
    ("text", "block", "words"),
    [
        (
            "{method: tpe, trials: 4}",
            LR,
            "search chooses by validation/elbo_full, and the data have no validation part: set "
            "examples apart with `data: {name: digits, validation: 200}`; or name `metric: "
            "test/elbo_full`",
        ),
        (
            "{method: tpe, trials: 4, mode: min, metrics: [test/kl], modes: [min]}",
            LR,
            "search: tpe takes `metric` and `mode`",
        ),
        ("{method: tpe, metric: test/kl, mode: min}", LR, "tpe needs `trials`"),
        (
            "{method: tpe, trials: 4, metric: test/kl, mode: least}",
            LR,
            "search.mode: must be one of 'min', 'max', not 'least'",
        ),
        (
            "{method: tpe, trials: 4, metrics: [test/kl, test/recon], modes: [min]}",
            LR,
            "as many `metrics` as `modes`",
        ),
        (
            "{method: tpe, trials: 4, metrics: [test/kl, test/kl], modes: [min, max]}",
            LR,
            "must be different",
        ),
        (
            "{method: tpe, trials: 4, metric: test/kl, mode: min, min_epochs: 1}",
            LR,
            "unknown key 'min_epochs'",
        ),
        (
            "{method: tpe, trials: 4, metric: test/kl, mode: min}",
            "{model: sigma_vae, sigma: [0.1, 0.2], lr: {uniform: [0.1, 1]}}",
            "trials[0]: tpe tries one point at a time, and this block means 2 for one draw",
        ),
        (
            "{method: tpe, trials: 4, metric: test/kl, mode: min}",
            "{model: sigma_vae, sigma: 0.1}",
            "no block has one",
        ),
        (
            "{method: tpe, trials: 4, metric: test/recom, mode: min}",
            LR,
            "sigma_vae reports no metric 'test/recom'; did you mean 'test/recon'? (it "
            "reports test/deno",
        ),
        (
            "{method: tpe, trials: 4, metric: validation/kl, mode: min}",
            LR,
            "chooses by validation/kl, and the data have no validation part",
        ),
        (
            "{method: asha, metric: test/elbo, mode: max}",
            "{model: uvb, sigma: [0.1, 0.2]}",
            "uvb reports no metric 'test/elbo'",
        ),
        (
            "{method: tpe, trials: 4, metric: active_units, mode: max}",
            LR,
            "sigma_vae reports no metric 'active_units'",
        ),
        (
            "{method: asha, trials: 9, metric: active_units, mode: max}\nevaluate: [active_units]",
            LR,
            "sigma_vae reports no metric 'active_units'",
        ),
        (
            "{method: asha, metric: test/kl, mode: min}",
            LR,
            "add `trials: 32` to `search`, for asha",
        ),
        (
            "{method: asha, trials: 9, metric: test/kl, mode: min, reduction: 1}",
            LR,
            "search.reduction: must be at least 2, not 1",
        ),
        (
            "{method: asha, trials: 9, metric: test/kl, mode: min, min_epochs: 9}",
            LR,
            "min_epochs must be less than the 9 epochs of a trial, not 9",
        ),
        (
            "{method: asha, trials: 8, metric: test/kl, mode: min}",
            LR,
            "with rungs at 1, 3, 9 epochs it takes 9 points",
        ),
        (
            "{method: asha, trials: 9, metric: test/kl, mode: min}",
            LR.replace("sigma: 0.3", "sigma: 0.3, test_every: 2"),
            "measured every 2 epochs",
        ),
        (
            "{method: asha, metric: test/kl, mode: min}",
            "{model: sigma_vae, sigma: 0.3, epochs: [5, 6]}",
            "these have 5, 6 epochs",
        ),
        (
            "{method: asha, metric: test/kl, mode: min, reduction: 9}\naliases: verify",
            "{model: sigma_vae, sigma: [0.1, 0.2, 0.3]}\n  - {model: sigma_vae, "
            "sigma: 0.1, beta: 4}",
            "a twin needs its partner",
        ),
        (
            "{method: asha, trials: 9, metric: test/kl, mode: min}\nuntil: {nu_halfwidth: 1}",
            LR,
            "`until` adds seeds or epochs to all points",
        ),
    ],
)
def test_what_means_nothing_is_refused(text: str, block: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, text, block, epochs=9)
    assert words in str(caught.value)
    assert caught.value.line


def test_a_plan_says_how_many_there_may_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tpe(tmp_path, trials=12, seeds=2)
    assert main(["plan", str(tmp_path / "grid.yaml"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["count"], found["most"], found["search"]["method"]) == (0, 24, "tpe")
    assert main(["plan", str(tmp_path / "grid.yaml")]) == 0
    assert "up to 12 points" in capsys.readouterr().out
