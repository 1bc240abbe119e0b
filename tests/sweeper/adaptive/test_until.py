"""Seeds are added until the claim is sharp: the same path again, whoever interrupts it."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from analysis.laws.law import Law
from analysis.sources.load import from_mlflow, from_storage
from sweeper.adaptive.until import replicate
from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.grid import loading
from sweeper.grid.seeds import add_seed, with_seed
from sweeper.storage import ledger, paths
from sweeper.storage.signs import StopSign
from sweeper.sweep import Outcome, Sweep
from sweeper.tracking.delivery import Backlog, Delivery, RunStatus
from tests.sweeper.grids import trials_of, write_grid
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import train

pytestmark = READY

GRID = """\
experiment: until
data: digits
defaults: {{network: linear, d_z: 4, epochs: 2, batch_size: 256}}
seeds: {seeds}
trials:
  - {{model: sigma_vae, sigma: [0.1, 0.2, 0.3]}}
{more}until: {until}
"""


def load(folder: Path, until: str, seeds: object = 4, more: str = "") -> Sweep:
    path = write_grid(folder, GRID.format(seeds=seeds, until=until, more=more))
    return loading.load(path, storage=str(folder / "s"), tracking=f"sqlite:///{folder}/mlflow.db")


def run_inline(sweep: Sweep, screen: io.StringIO | None = None) -> Outcome:
    console = Console(file=screen or io.StringIO(), width=200)
    return run(sweep, RunOptions(inline=True, console=console))


def stored(sweep: Sweep) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((paths.sweep_file(sweep)).read_bytes())
    return found


def test_a_new_seed_is_the_trial_that_a_larger_grid_has() -> None:
    few, more = (
        trials_of(GRID.format(seeds=seeds, more="", until="{nu_halfwidth: 1}")) for seeds in (2, 3)
    )
    grown = [with_seed(trial, 2) for trial in few if trial.params["seed"] == 0]
    assert grown == [trial for trial in more if trial.params["seed"] == 2]


MERGED = "  - {model: sigma_vae, sigma: 0.1, beta: [4, 9]}\naliases: merge\n"


@pytest.mark.parametrize("chosen", ["declared", "merged"])
def test_what_is_merged_gets_the_seed_of_its_source(chosen: str) -> None:
    """A larger grid has the same trials; all but σ = 0.1 are somebody's source."""
    few, more = (
        trials_of(GRID.format(seeds=seeds, more=MERGED, until="{nu_halfwidth: 1}"))
        for seeds in (2, 3)
    )
    sweep = Sweep("until", "u-1", few, "", Path("s"), "sqlite:///m.db")
    grown = add_seed(sweep, [trial.id for trial in few if trial.role == chosen]).trials[10:]
    wanted = [
        trial
        for trial in more
        if trial.params["seed"] == 2
        and not (chosen == "merged" and trial.label.startswith("sigma_vae σ=0.1 seed"))
    ]
    assert {trial.id: trial for trial in grown} == {trial.id: trial for trial in wanted}
    assert sum(bool(trial.merged_from) for trial in grown) == 2


@pytest.mark.slow
def test_a_merged_row_grows_with_its_law(tmp_path: Path) -> None:
    sweep = load(tmp_path, "{nu_halfwidth: 10, max_seeds: 12}", more=MERGED)
    outcome = run_inline(sweep)
    assert (outcome.trials, outcome.finished) == (25, 25)
    entries = stored(sweep)["trials"]
    assert sum(one["role"] == "merged" for one in entries) == 10
    again = run_inline(load(tmp_path, "{nu_halfwidth: 10, max_seeds: 12}", more=MERGED))
    assert (again.trials, again.skipped) == (25, 25)


def test_seeds_are_added_until_the_interval_is_narrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep, screen = load(tmp_path, "{nu_halfwidth: 10, max_seeds: 12}"), io.StringIO()
    outcome = run_inline(sweep, screen)
    assert (outcome.trials, outcome.finished, outcome.skipped) == (15, 15, 0)
    until = stored(sweep)["until"]
    assert until["rule"] == {"nu_halfwidth": 10.0, "max_seeds": 12}
    assert [(step["seeds"], step["end"]) for step in until["path"]] == [(4, None), (5, "met")]
    last = until["path"][-1]
    assert last["halfwidth"] == pytest.approx((last["ci_high"] - last["ci_low"]) / 2)
    assert "5 seeds: ν = " in screen.getvalue()
    (shown,) = from_mlflow(sweep.tracking, "until").sweeps
    assert shown["until"] == {"rule": until["rule"]}
    seen = look(sweep.tracking, "until")
    assert len(seen.statuses) == 15
    assert len(seen.parents) == 1
    again = run_inline(load(tmp_path, "{nu_halfwidth: 10, max_seeds: 12}"))
    assert (again.trials, again.skipped) == (15, 15)
    assert (
        main(["status", str(tmp_path / "grid.yaml"), "--storage", str(tmp_path / "s"), "--json"])
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["count"], found["counts"]["finished"], found["stored"]) == (15, 15, True)
    assert [(one["tracking_uri"], one["records"], one["error"]) for one in found["waiting"]] == [
        (sweep.tracking, 0, None)
    ]
    assert stored(sweep)["until"] == until
    assert len(stored(sweep)["trials"]) == 15


def test_the_budget_ends_it(tmp_path: Path) -> None:
    sweep = load(tmp_path, "{nu_halfwidth: 1e-9, max_seeds: 6}", seeds=1)
    assert run_inline(sweep).trials == 18
    path = stored(sweep)["until"]["path"]
    assert [step["seeds"] for step in path] == [1, 2, 3, 4, 5, 6]
    assert [step["end"] for step in path] == [None] * 5 + ["budget"]
    assert path[0]["halfwidth"] is None


def test_a_small_budget_is_looked_at_once_at_its_end(tmp_path: Path) -> None:
    sweep, screen = load(tmp_path, "{nu_halfwidth: 10, max_seeds: 7}", seeds=5), io.StringIO()
    assert run_inline(sweep, screen).trials == 21
    early = [line for line in screen.getvalue().splitlines() if line.startswith("6 seeds: ν")]
    assert [line.endswith("the rule can be met from 7 seeds on") for line in early] == [True]
    path = stored(sweep)["until"]["path"]
    assert [(step["seeds"], step["end"]) for step in path] == [(5, None), (6, None), (7, "met")]


def test_a_rerun_without_the_rule_keeps_the_allowance_for_its_looks(tmp_path: Path) -> None:
    run_inline(load(tmp_path, "{nu_halfwidth: 10, max_seeds: 12}"))
    fixed = GRID.removesuffix("until: {until}\n").format(seeds=5, more="")
    path = write_grid(tmp_path, fixed)
    again = loading.load(
        path, storage=str(tmp_path / "s"), tracking=f"sqlite:///{tmp_path}/mlflow.db"
    )
    assert run_inline(again).skipped == 15
    experiment = from_storage(tmp_path / "s", "until")
    assert "until" not in experiment.sweeps[-1]
    assert Law().after(experiment.sweeps).looked


def test_only_the_points_of_the_law_get_seeds(tmp_path: Path) -> None:
    sweep = load(
        tmp_path,
        "{nu_halfwidth: 10, max_seeds: 12}",
        more="  - {model: sigma_vae, sigma: 0.1, beta: 4, seeds: [7]}\n",
    )
    assert run_inline(sweep).trials == 4 * 3 + 1 + 3
    assert {trial["label"] for trial in stored(sweep)["trials"] if "β=4" in trial["label"]} == {
        "sigma_vae σ=0.1 β=4 seed=7"
    }
    assert [step["seeds"] for step in stored(sweep)["until"]["path"]] == [4, 5]


def drive(sweep: Sweep, stop_at: int | None = None) -> Outcome:
    """Train what is left, or, from so many trials on, stop as after Ctrl-C."""
    ledger.write_sweep(sweep, {})
    stopped = stop_at is not None and len(sweep.trials) >= stop_at
    states = ledger.status(sweep.storage, [trial.id for trial in sweep.trials])
    todo = [trial for trial in sweep.trials if states[trial.id] != "finished"]
    if todo and not stopped:
        train(replace(sweep, trials=tuple(todo)))
        ledger.write_sweep(sweep, {})
    return Outcome("until", len(sweep.trials), 0, 0, 0, 0.0, None, "", interrupted=stopped)


def test_an_interrupted_sweep_takes_the_same_path(tmp_path: Path) -> None:
    until, quiet = "{nu_halfwidth: 1e-9, max_seeds: 6}", Console(file=io.StringIO())
    sweep = load(tmp_path, until)
    outcome = replicate(sweep, lambda one: drive(one, 15), quiet)
    assert outcome.interrupted
    assert [step["seeds"] for step in stored(sweep)["until"]["path"]] == [4]
    assert len(stored(sweep)["trials"]) == 15
    replicate(load(tmp_path, until), drive, quiet)
    whole = [step["seeds"] for step in stored(sweep)["until"]["path"]]
    assert whole == [4, 5, 6]


def test_a_stop_at_the_very_end_of_a_round_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = load(tmp_path, "{nu_halfwidth: 1e-9, max_seeds: 6}")
    whole, sign = Delivery.close, StopSign(paths.sweep_folder(sweep))

    def close(courier: Delivery, status: RunStatus, patience: float) -> Backlog:
        sign.put_up()
        return whole(courier, status, patience)

    monkeypatch.setattr(Delivery, "close", close)
    outcome = run_inline(sweep)
    assert outcome.interrupted
    assert (outcome.finished, outcome.trials) == (12, 15)
    assert not sign.is_up()


@pytest.mark.slow
def test_equivalence_is_decided(tmp_path: Path) -> None:
    sweep = load(
        tmp_path,
        "{equivalence: decided, max_seeds: 14}",
        seeds=9,
        more="  - {model: sigma_vae, sigma: 0.1, beta: 4}\nanalysis: {equivalence: {margin: 5}}\n",
    )
    outcome = run_inline(sweep)
    path = stored(sweep)["until"]["path"]
    assert path[-1]["verdicts"] == {"within the margin as measured": 1}
    assert path[-1]["end"] == "met"
    assert outcome.trials == 4 * path[-1]["seeds"]


def test_a_failed_trial_stops_it(tmp_path: Path) -> None:
    sweep = load(tmp_path, "{nu_halfwidth: 10, max_seeds: 12}", seeds=2)
    bad = replace(
        sweep,
        trials=(
            *sweep.trials[1:],
            *trials_of(
                GRID.format(seeds=1, more="", until="{nu_halfwidth: 1}").replace(
                    "batch_size", "lr: 1e30, batch_size"
                )
            )[:1],
        ),
    )
    outcome = run_inline(bad)
    assert (outcome.trials, outcome.failed) == (6, 1)
    assert stored(bad)["until"]["path"] == [{"trials": 6, "end": "failed"}]


def test_a_law_that_cannot_be_fitted_stops_it(tmp_path: Path) -> None:
    sweep = load(
        tmp_path,
        "{nu_halfwidth: 10, max_seeds: 12}",
        seeds=2,
        more="  - {model: sigma_vae, sigma: 0.4, lr: 0.01}\n",
    )
    assert run_inline(sweep).trials == 8
    [step] = stored(sweep)["until"]["path"]
    assert step["end"] == "refused"
    assert "differ in" in step["reason"]


def test_seeds_are_new_everywhere(tmp_path: Path) -> None:
    sweep = load(tmp_path, "{nu_halfwidth: 10}", seeds="[3, 8]")
    grown = add_seed(sweep, [trial.id for trial in sweep.trials])
    assert [trial.params["seed"] for trial in grown.trials[6:]] == [9, 9, 9]
    assert len({trial.label for trial in grown.trials}) == 9


@pytest.mark.parametrize(
    ("until", "words"),
    [
        ("{}", "until: needs one rule"),
        ("{nu_halfwidth: 0.1, equivalence: decided}", "until: needs one rule"),
        ("{nu_halfwidth: 0}", "until.nu_halfwidth: must be greater than 0"),
        ("{equivalence: maybe}", "until.equivalence: must be one of 'decided'"),
        ("{nu_halfwidth: 0.1, seeds: 3}", "unknown key 'seeds'; did you mean 'max_seeds'?"),
        ("{nu_halfwidth: 0.1, max_seeds: 3}", "max_seeds must be at least 5"),
        ("{equivalence: decided}", "equivalence is tested between rows with β ≠ 1"),
        ("{nu_halfwidth: 0.1}\nanalysis: {law: {x: beta}}", "a law needs three values of beta"),
        ("{converged: 0.1, max_epochs: 9}", "until.converged: must be at most 0.01"),
        ("{converged: 0.01}", "its budget is max_epochs"),
        ("{converged: 0.01, max_seeds: 12}", "its budget is max_epochs"),
        ("{nu_halfwidth: 0.1, max_epochs: 9}", "max_epochs is the budget of `converged`"),
        ("{converged: 0.01, max_epochs: 9}", "`extendable: true` among the defaults"),
    ],
)
def test_a_rule_that_cannot_be_met_is_refused(until: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load(tmp_path, until)
    assert words in str(caught.value)
    assert caught.value.line == 7


def test_the_plan_says_that_seeds_are_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(tmp_path, "{nu_halfwidth: 0.02, max_seeds: 12}")
    arguments = ["plan", str(tmp_path / "grid.yaml"), "--storage", str(tmp_path / "s")]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["count"], found["until"]) == (12, {"nu_halfwidth": 0.02, "max_seeds": 12})
    assert main(arguments) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "until the interval of ν is ± 0.02, or 12 seeds: more are added as needed" in words
    assert "as on digits" not in words
    load(tmp_path, "{nu_halfwidth: 0.02, max_seeds: 5}")
    assert main(arguments) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert (
        "then where seeds scatter as on digits (sd of ν 0.026) 18 % of sweeps get there" in words
    )
    load(tmp_path, "{nu_halfwidth: 0.1, max_seeds: 8}")
    assert main(arguments) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "until 8 seeds in all, and whether the interval of ν is ± 0.1 then" in words
    assert "as needed" not in words
