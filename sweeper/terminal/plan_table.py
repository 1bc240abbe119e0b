"""Draw a plan on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweeper.planning.capacity import BUSY
from sweeper.planning.data_parts import DataParts
from sweeper.planning.outline import Outline, Row
from sweeper.storage.addresses import show_storage, show_tracking
from sweeper.storage.registration import registration
from sweeper.terminal.screen import print_table
from sweeper.worker.packs import probes
from trainers.component_files import ComponentFile

__all__ = ["draw"]

SHOWN = 40
ADDED = "more are added as needed"


def draw(screen: Console, plan: Outline) -> None:
    """Print the trials by setting, the aliases, and the estimated time and memory."""
    sweep = plan.sweep
    screen.print(
        Text.assemble(
            ("experiment ", "dim"), (sweep.experiment, "bold"), ("  sweep ", "dim"), sweep.name
        )
    )
    screen.print()
    print_table(screen, _table(plan))
    if len(plan.rows) > SHOWN:
        screen.print(
            Text(
                f"… and {len(plan.rows) - SHOWN} more settings (--json lists them all)",
                style="dim",
            )
        )
    _draw_aliases(screen, plan)
    screen.print()
    for note in plan.notes:
        screen.print(Text(note, style="yellow"), soft_wrap=True)
    for name, value in _facts(plan):
        screen.print(Text.assemble((f"{name:<9}", "dim"), value), soft_wrap=True)


def _table(plan: Outline) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("setting", overflow="fold")
    table.add_column("seeds")
    for name in ("epochs", "parameters", "time each", "done"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in plan.rows[:SHOWN]:
        table.add_row(
            _point(row),
            _seeds(row.seeds),
            str(row.epochs),
            f"{row.parameters:,}",
            "·" if row.role == "merged" else duration(row.seconds / len(row.seeds)),
            _done(row),
        )
    return table


def _point(row: Row) -> Text:
    role = {"twin": " twin", "merged": " merged", "example": " (an example)"}.get(row.role, "")
    return Text.assemble(row.point, (role, "cyan"))


def _seeds(seeds: tuple[int, ...]) -> str:
    if len(seeds) > 2 and seeds == tuple(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]} … {seeds[-1]}"
    return ", ".join(map(str, seeds[:6])) + (" …" if len(seeds) > 6 else "")


def _done(row: Row) -> Text:
    whole = row.finished == len(row.seeds)
    return Text(f"{row.finished}/{len(row.seeds)}", style="green" if whole else "dim")


def _draw_aliases(screen: Console, plan: Outline) -> None:
    if plan.aliases:
        screen.print()
    for pair in plan.aliases[:SHOWN]:
        tested = "twins" if pair.twin else "merged" if pair.merged else "both trained"
        scale = pair.partner.partition(" ")[2]
        screen.print(
            Text.assemble(
                (pair.trial, "cyan"),
                " learns what ",
                (scale, "cyan"),
                " learns",
                (f": {tested}", "dim"),
            )
        )
    if len(plan.aliases) > SHOWN:
        screen.print(Text(f"… and {len(plan.aliases) - SHOWN} more aliases", style="dim"))


def _facts(plan: Outline) -> list[tuple[str, str]]:
    sweep = plan.sweep
    done = f", {plan.finished} of them finished before" if plan.finished else ""
    divided = ", divided as a probe of the GPU finds best" if probes(sweep.resources) else ""
    return [
        (
            "trials",
            f"{'up to ' if plan.most > len(sweep.trials) else ''}{plan.most:,} in "
            f"{_count(plan.packs, 'pack')}{divided}{done}",
        ),
        *(("code", _code(named, file)) for named, file in sweep.components.items()),
        *(("data", _data(one)) for one in plan.data),
        *(("unread", _passed_over(one)) for one in plan.data if one.passed_over),
        *_merging(plan),
        *_extended(plan),
        *_search(plan),
        *_until(sweep.until),
        ("time", _time(plan)),
        ("memory", f"about {plan.trial_memory / 1e9:.1f} GB a trial: an estimate"),
        ("storage", show_storage(sweep.storage)),
        (
            "register",
            f"{registration(sweep)}, a hash of trials and analysis; the report says whether they "
            "are still those that were first run",
        ),
        ("tracking", show_tracking(sweep)),
    ]


def _time(plan: Outline) -> str:
    if not plan.left and not plan.wall_seconds:
        return "nothing is left to train"
    gpu = " (on a CPU; GPUs are not estimated)" if plan.sweep.resources.gpus else ""
    return (
        f"about {duration(plan.wall_seconds)} for {_count(plan.left, 'trial')}, "
        f"{plan.slots} at once; "
        f"{duration(plan.cpu_seconds)} of computing{gpu}: {_estimated(plan)}"
    )


def _estimated(plan: Outline) -> str:
    """Where the time comes from, and how far to trust it."""
    if plan.crowding >= BUSY:
        return (
            "an uncertain estimate, as this machine is busy: with this sweep "
            f"{plan.crowding:.1f} processes share each core"
        )
    return "by what such trials took here before" if plan.measured else "an estimate"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _code(named: str, file: ComponentFile) -> str:
    """``bars.py (SHA-256 3f2a9c01…) registers the data set bars``."""
    brought = ", ".join(f"the {entry.kind} {entry.name}" for entry in file.entries)
    return f"{named} (SHA-256 {file.sha256[:16]}…) registers {brought}"


def _data(data: DataParts) -> str:
    """``digits: 1,433 to train on, 364 to test, 10 classes``."""
    apart = f"{data.validation:,} for validation, " if data.validation else ""
    classes = "no classes"
    if data.classes is not None:
        classes = f"{data.classes:,} class{'' if data.classes == 1 else 'es'}"
    name = data.name if data.split is None else f"{data.name}, split {data.split}"
    return f"{name}: {data.train:,} to train on, {apart}{data.test:,} to test, {classes}"


def _passed_over(data: DataParts) -> str:
    """``image_folder: dangling links (1), hidden files and folders (3)``."""
    reasons = (f"{reason} ({count:,})" for reason, count in sorted(data.passed_over.items()))
    return f"{data.name}: {', '.join(reasons)}"


def _merging(plan: Outline) -> list[tuple[str, str]]:
    """The time saved by training one of all aliases."""
    if not plan.merging:
        return []
    saved = f"about {duration(plan.merging.seconds)} of computing: an estimate"
    count = _count(plan.merging.trials, "trial")
    if plan.merging.would:
        return [("merging", f"`aliases: merge` would train {count} less, and save {saved}")]
    takes = "takes" if plan.merging.trials == 1 else "take"
    return [("merging", f"{count} {takes} the parameters of an alias, which saves {saved}")]


def _extended(plan: Outline) -> list[tuple[str, str]]:
    """The trials that continue from shorter ones, and the epochs saved."""
    if not plan.extended:
        return []
    known = {trial.id: int(trial.params["epochs"]) for trial in plan.sweep.trials}
    total = sum(known[trial] for trial in plan.extended)
    done = sum(one.epoch for one in plan.extended.values())
    go = "goes" if len(plan.extended) == 1 else "go"
    return [
        (
            "extends",
            f"{_count(len(plan.extended), 'trial')} {go} on from ones with fewer "
            f"epochs: {done:,} of {total:,} epochs are there",
        )
    ]


def _search(plan: Outline) -> list[tuple[str, str]]:
    """The search that decides while the sweep runs; estimates assume full rungs."""
    search, trials = plan.sweep.search, plan.sweep.trials
    if not search:
        return []
    goals = " and ".join(f"{name} ({mode})" for name, mode in search.goals)
    epochs = int(trials[0].params["epochs"]) if trials else 0
    return [
        ("search", f"{search.name} for {goals}: {search.rule(epochs)}"),
        ("chooses", _chooses(plan, [name for name, _ in search.goals])),
    ]


def _chooses(plan: Outline, goals: list[str]) -> str:
    """On which part of the data a search chooses, and what is held out for the report."""
    others = [name for name in goals if not name.startswith("validation/")]
    if not others:
        held = ", ".join(f"{one.validation:,} examples of {one.name}" for one in plan.data)
        return f"on the validation part, {held}; the test part has no say"
    named = " and ".join(others)
    return f"by {named}, as the grid says by name; no part of the data is held out from the choice"


def _until(rule: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The rule that adds seeds or epochs; the estimates are for the declared ones."""
    if not rule:
        return []
    if "converged" in rule:
        return [
            (
                "until",
                f"ν changes by less than {rule['converged']:g} over the last fifth of training "
                f"(95 %), or {rule['max_epochs']} epochs: trained on as needed",
            )
        ]
    from analysis.laws.added_seeds import few_meet, first_look

    most, width = rule["max_seeds"], rule.get("nu_halfwidth")
    if width is None:
        return [("until", f"every equivalence is decided, or {most} seeds: {ADDED}")]
    narrow, few = f"the interval of ν is ± {width:g}", few_meet(width, most)
    said = f"{narrow}, or {most} seeds: {ADDED}"
    if first_look(most) == most:
        said = f"{most} seeds in all, and whether {narrow} then"
    return [("until", said), *[("", few)] * bool(few)]


def duration(seconds: float) -> str:
    """``< 0.1 s``, ``45 s``, ``12 min``, ``3.5 h`` or ``2.1 days``."""
    if 0 < seconds < 0.05:
        return "< 0.1 s"
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
