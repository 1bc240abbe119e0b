"""Load a grid: read, check, expand and name everything that it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeper.errors import Place, UserError, placed
from sweeper.grid.complaints import nearest
from sweeper.grid.document import Document, read
from sweeper.grid.expand import expand
from sweeper.grid.identity import digest
from sweeper.grid.law_checks import check_law
from sweeper.grid.proposals import read_adaptive
from sweeper.grid.resolve import resolve
from sweeper.grid.schema import check_grid, require_tracker
from sweeper.grid.search_checks import check_search
from sweeper.grid.seeds import check_until
from sweeper.storage.addresses import check_writable, storage_path, tracking_uri
from sweeper.sweep import PlannedTrial, Proposals, Resources, Search, Sweep, describe_search

__all__ = ["find_grid", "load", "shipped_grids"]


def load(
    grid: str | Path, *, yes: bool = False, storage: str | None = None, tracking: str | None = None
) -> Sweep:
    """The sweep that a grid file, or a shipped grid's name, describes.

    `yes` admits more than 100,000 trials; `storage` and `tracking` replace what the grid says.
    Raises `UserError` with file, line and path for everything that the user must mend.
    """
    path = find_grid(grid)
    document = read(path)
    checked = check_grid(document)
    places = _places(document, {"storage": storage, "tracking": tracking})
    with placed(places.get("storage")):
        folder = storage_path(storage or checked.storage)
        check_writable(folder)
    with placed(places.get("tracking")):
        address = tracking_uri(require_tracker(tracking or checked.tracking))
    trials = resolve(document, expand(document, checked, yes))
    until = checked.until.model_dump(exclude_none=True) if checked.until else None
    search, proposals = read_adaptive(document, checked)
    sweep = Sweep(
        experiment=checked.experiment,
        name=_name(path, trials, proposals, search),
        trials=trials,
        grid=document.text,
        storage=folder,
        tracking=address,
        cluster=checked.cluster,
        resources=Resources(**checked.resources.model_dump()),
        analysis=checked.analysis.model_dump(exclude_none=True),
        until=until,
        search=search,
        proposals=proposals,
        places=places,
    )
    foreseen = (*trials, *sweep.examples())
    check_law(document, checked.analysis.law, foreseen)
    with placed(places.get("until")):
        check_until(sweep)
    with placed(places.get("search")):
        check_search(sweep, foreseen)
    return sweep


def shipped_grids() -> dict[str, Path]:
    """The grids that come with `sweeper`, by name."""
    folder = Path(__file__).with_name("shipped")
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_grid(grid: str | Path) -> Path:
    """The file that a path or the name of a shipped grid means."""
    path, shipped = Path(grid), shipped_grids()
    if path.is_file():
        return path
    if str(grid) in shipped:
        return shipped[str(grid)]
    beside = map(str, path.parent.glob("*.y*ml"))
    raise UserError(
        f"there is no grid {str(grid)!r}{nearest(str(grid), [*shipped, *beside])} (a "
        f"path, or one of the shipped grids: {', '.join(shipped)})"
    )


def _name(
    path: Path, trials: Sequence[PlannedTrial], proposals: Proposals | None, search: Search | None
) -> str:
    """The sweep's id: the same for the same trials, so that a second run goes on with it.

    A search that makes trials up is known by its spaces, and goes on where it may try more.
    """
    stem = "".join(c if c.isalnum() or c in "_-" else "-" for c in path.stem)[:40]
    whole: Any = sorted((trial.id, trial.role) for trial in trials)
    if search:
        whole = [
            whole,
            describe_search(search, but="trials"),
            proposals.identity() if proposals else [],
        ]
    return f"{stem}-{digest(whole)[:8]}"


def _places(document: Document, options: Mapping[str, str | None]) -> dict[str, Place]:
    """Where the user gave each setting that only shows later whether it is right."""
    places: dict[str, Place] = {
        key: (document.file, document.line((key,)), key)
        for key in ("storage", "tracking", "cluster", "resources", "until", "search")
        if (key,) in document.lines
    }
    return places | {key: (None, None, f"--{key}") for key, value in options.items() if value}
