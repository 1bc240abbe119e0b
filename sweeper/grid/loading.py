"""Load a grid: read and check the file, expand it, and name its trials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.sources.tracking_address import without_password
from sweeper.errors import Place, placed
from sweeper.grid.checks import check_choice, check_law, check_law_keys, check_search, check_until
from sweeper.grid.components import bring_components, refused
from sweeper.grid.document import Document, read, written
from sweeper.grid.expand import Point, expand
from sweeper.grid.grid_files import find_grid
from sweeper.grid.identity import sweep_name
from sweeper.grid.proposals import read_trials
from sweeper.grid.schema import GridSchema, check_grid, require_tracker
from sweeper.storage.addresses import (
    VARIABLE,
    check_folders,
    check_writable,
    default_tracking,
    relative_storage,
    storage_path,
    tracking_uri,
)
from sweeper.sweep import KeptModels, Sweep
from trainers.conformance.judging import check_calls

__all__ = ["load"]


def load(
    grid: str | Path | Mapping[str, Any],
    *,
    yes: bool = False,
    storage: str | None = None,
    tracking: str | None = None,
    folder: Path | None = None,
    components: Mapping[str, Path] | None = None,
) -> Sweep:
    """The sweep that a grid file, a shipped grid's name, or a grid as a dict describes.

    `yes` admits more than 100,000 trials; `storage` and `tracking` replace what the grid says.
    Relative paths in the grid are relative to `folder`, by default the working folder; its
    components lie beside it, or where `components` says.
    Raises `UserError` with file, line and path for what the user must correct: all mistakes that
    do not depend on each other.
    """
    home = folder or Path.cwd()
    document = written(grid, home) if isinstance(grid, Mapping) else read(find_grid(grid), home)
    options = {"storage": storage, "tracking": tracking}
    sweep = document.mistakes.collect(
        lambda: _sweep(document, options, yes=yes, components=components)
    )
    return sweep if isinstance(grid, Mapping) else replace(sweep, grid_file=str(grid))


def _sweep(
    document: Document,
    options: Mapping[str, str | None],
    *,
    yes: bool,
    components: Mapping[str, Path] | None,
) -> Sweep:
    home, mistakes = document.folder, document.mistakes
    checked = check_grid(document)
    storage, tracking = options["storage"], options["tracking"]
    places = _places(document, options)
    with mistakes.independent(), placed(places.get("storage")):
        place = storage_path(storage) if storage else storage_path(checked.storage, home)
        check_writable(place)
    with mistakes.independent(), placed(places.get("tracking")):
        named = require_tracker(tracking or checked.tracking or default_tracking())
        address = tracking_uri(named, None if tracking else home)
    files = bring_components(document, checked.components, components)
    with refused():
        points = _points(document, checked, yes)
        trials, search, proposals = read_trials(document, checked, points, place)
    sweep = Sweep(
        experiment=checked.experiment,
        name=sweep_name(Path(document.file).stem, trials, proposals, search),
        trials=trials,
        grid=without_password(document.text),
        storage=place,
        relative_storage=relative_storage(storage or checked.storage),
        tracking=address,
        folder=home,
        cluster=checked.cluster,
        allow_mixed=checked.allow_mixed,
        send_code=checked.send_code,
        send_data=checked.send_data,
        resources=checked.resources.plain(),
        analysis=checked.analysis.model_dump(exclude_none=True),
        until=checked.until.rule() if checked.until else None,
        search=search,
        proposals=proposals,
        places=places,
        components=files,
        models=KeptModels(checked.models, next(iter(search.goals), None) if search else None),
    )
    with refused():
        _check(document, checked, sweep)
    return sweep


def _points(document: Document, checked: GridSchema, yes: bool) -> list[Point]:
    """The points of the grid; it ends here if anything before, or in the blocks, was wrong."""
    mistakes = document.mistakes
    points: list[Point] = []
    with mistakes.independent():
        points = expand(document, checked, yes)
    if mistakes.failures:
        check_law_keys(document)
    mistakes.stop()
    return points


def _check(document: Document, checked: GridSchema, sweep: Sweep) -> None:
    """What only the trials themselves show to be impossible."""
    foreseen = (*sweep.trials, *sweep.examples())
    independent = document.mistakes.independent
    check_calls(one.trial for one in foreseen)
    with independent():
        check_folders(sweep)
    with independent():
        check_law(document, checked.analysis.law, foreseen)
    with independent():
        check_choice(document, checked.analysis.choose, foreseen)
    with independent(), placed(sweep.places.get("until")):
        check_until(sweep)
    with independent(), placed(sweep.places.get("search")):
        check_search(sweep, foreseen)


def _places(document: Document, options: Mapping[str, str | None]) -> dict[str, Place]:
    """The file and line, or option, of each setting that can only be checked later."""
    places: dict[str, Place] = {
        key: (document.file, document.line((key,)), key)
        for key in ("storage", "tracking", "cluster", "resources", "until", "search")
        if (key,) in document.lines
    }
    if os.environ.get(VARIABLE):
        places.setdefault("tracking", (None, None, VARIABLE))
    return places | {key: (None, None, f"--{key}") for key, value in options.items() if value}
