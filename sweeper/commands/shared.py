"""Arguments that several commands have, and functions that read them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.wording import plural
from sweeper.errors import UserError
from sweeper.terminal.screen import busy

if TYPE_CHECKING:
    from analysis.report import ReportSettings
    from analysis.sources.schema import Experiment
    from sweeper.sweep import Sweep

__all__ = [
    "add_experiment",
    "add_grid",
    "add_json",
    "add_sweep",
    "add_trial",
    "answered",
    "condition",
    "experiment_of",
    "load_chosen",
    "load_experiment",
    "load_grid",
    "said",
    "settings",
    "with_runs",
    "writing",
]

BESIDE = 4  # sentences that a terminal shows beside a report's answer


def add_grid(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for the grid, its storage and its tracking store."""
    parser.add_argument("grid", metavar="GRID", help="a YAML file, or a shipped grid's name")
    parser.add_argument(
        "--storage",
        metavar="DIR",
        help="in place of the grid's `storage`: a folder, or a bucket (s3://BUCKET/PREFIX, "
        "gs://... or az://...; credentials from the environment)",
    )
    parser.add_argument("--tracking", metavar="URI", help="in place of the grid's `tracking`")
    parser.add_argument("--yes", action="store_true", help="allow more than 100,000 trials")


def add_experiment(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    """Add the arguments for the experiment, where it is read from, and of which sweeps."""
    parser.add_argument(
        "experiment",
        metavar="EXPERIMENT",
        nargs="?" if optional else None,
        help="the `experiment` of a grid",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--storage",
        metavar="DIR",
        default="sweeps",
        help="storage that holds it, a folder or s3://... (default: ./sweeps)",
    )
    source.add_argument("--tracking", metavar="URI", help="read MLflow in place of the storage")
    sweeps = parser.add_mutually_exclusive_group()
    sweeps.add_argument(
        "--all", action="store_true", help="all sweeps of the experiment, and not the newest alone"
    )
    sweeps.add_argument("--sweep", metavar="NAME", help="this sweep, and not the newest")


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for a sweep of a storage, which `status.named.sweeps_named` reads."""
    parser.add_argument(
        "name",
        metavar="GRID|EXPERIMENT",
        help="an experiment or a sweep of the storage, or a grid",
    )
    parser.add_argument(
        "--storage",
        metavar="DIR",
        help="its storage, a folder or s3://... (default: the grid's, or ./sweeps)",
    )


def add_trial(parser: argparse.ArgumentParser) -> None:
    """Add the words that name one trial of a storage, which `status.trained.find_trial` reads."""
    parser.add_argument(
        "trial",
        metavar="TRIAL",
        nargs="+",
        help="its id, the beginning of one, its label, or settings such as sigma=0.4 seed=0, with "
        "the name of an experiment before them where several have such a trial",
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise `UserError` if files cannot be written to the folder of ``--out`` in the block."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written: {error.strerror or error}; choose another "
            "folder with --out"
        ) from error


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``, output for scripts."""
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object on stdout, and nothing else there",
    )


def load_grid(arguments: argparse.Namespace) -> Sweep:
    """Load the sweep of the grid arguments."""
    from sweeper.grid import loading

    return loading.load(
        arguments.grid, yes=arguments.yes, storage=arguments.storage, tracking=arguments.tracking
    )


def load_experiment(arguments: argparse.Namespace) -> Experiment:
    """Load the experiment of the arguments of `add_experiment`."""
    from analysis.sources.one_sweep import of_sweep
    from sweeper.grid.complaints import nearest

    with busy(f"reading {arguments.experiment}"):
        found = experiment_of(arguments.experiment, arguments.storage, arguments.tracking)
    names = [str(sweep["sweep"]) for sweep in found.sweeps]
    if arguments.sweep and arguments.sweep not in names:
        raise UserError(
            f"{found.name} has no sweep {arguments.sweep!r}{nearest(arguments.sweep, names)} "
            f"(its sweeps: {', '.join(names)})"
        )
    return found if arguments.all else of_sweep(found, arguments.sweep)


def load_chosen(arguments: argparse.Namespace) -> Experiment:
    """`load_experiment`, of the trials that were chosen if the grid declares a choice."""
    from analysis.comparisons.choice import with_choice

    return with_choice(load_experiment(arguments))[0]


def experiment_of(name: str, storage: str, tracking: str | None) -> Experiment:
    """Load an experiment from storage, or from MLflow if `tracking` is given.

    Its trials have the verdict on their training, without which claims are weaker.
    """
    from analysis.sources import load
    from analysis.training.stationarity import judged
    from sweeper.status.standing import with_status_now
    from sweeper.storage.addresses import show_storage, storage_path, tracking_uri

    if tracking:
        return judged(load.from_mlflow(tracking_uri(tracking), name))
    folder = storage_path(storage)
    found = load.from_storage(folder, name, shown=show_storage(folder))
    return judged(with_status_now(found, folder))


def condition(text: str, option: str) -> tuple[str, object]:
    """Parse FIELD=VALUE, with the value read as in a grid."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"{option} takes FIELD=VALUE, not {text!r}")
    from sweeper.grid.document import parse

    return name, parse(value, option).values


def settings(
    analysis: dict[str, Any], tracking: str | None = None, sweeps: Sequence[Mapping[str, Any]] = ()
) -> ReportSettings:
    """A report's settings from the `analysis` block of a grid or of a sweep.

    sweeps: if given, a law and a margin that were not registered before the newest of them are
    post hoc.
    """
    from analysis.laws.law import Law
    from analysis.report import ReportSettings
    from analysis.sources.registration import registration

    section = analysis.get("law")
    law = Law.declared(section) if section else None
    registered = registration(sweeps)
    if law and registered and registered.post_hoc("law"):
        law = replace(law, post_hoc="the law was declared after the run")
    margin = (analysis.get("equivalence") or {}).get("margin", ReportSettings.margin)
    later = registered is not None and registered.post_hoc("equivalence")
    said = "the margin was declared after the run" * later
    return ReportSettings(law=law, margin=margin, server=tracking, margin_post_hoc=said)


def with_runs(
    experiment: Experiment, chosen: ReportSettings, storage: Path | None
) -> tuple[Experiment, ReportSettings]:
    """Both with the run ids and addresses for links to MLflow, if the server answers at once.

    storage : from which the experiment was read; its MLflow file has run ids, and no addresses.
    """
    if not chosen.server:
        return experiment, chosen
    from analysis.sources.run_links import find_runs, linked
    from analysis.sources.tracking_address import sqlite_path, without_user
    from sweeper.storage.run_ids import with_run_ids

    if storage and sqlite_path(chosen.server):
        experiment, _ = with_run_ids(experiment, storage)
    found = find_runs(chosen.server, experiment.name)
    return linked(experiment, found), replace(
        chosen, server=without_user(chosen.server), experiment_id=found.experiment_id
    )


def said(report: Path) -> list[str]:
    """All sentences of a report's summary, read from the `report.json` beside it."""
    return list(map(str, _numbers(report)["summary"]))


def answered(report: Path) -> list[str]:
    """A report's answer and the most important of its other sentences, warnings first."""
    found = _numbers(report)
    more = [str(sentence) for sentence in found["brief"]]
    left = len(more) - BESIDE
    told = [f"{plural(left, 'more sentence')} in the report."] * (left > 0)
    return [str(found["answer"]), *more[:BESIDE], *told]


def _numbers(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report.with_name("report.json").read_text(encoding="utf-8"))
    return found
