"""Checks of a sweep that is to run in another place than the one where it is sent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sweeper.errors import UserError, placed
from sweeper.resources import in_words, packs_on

if TYPE_CHECKING:
    from sweeper.resources import Resources
    from sweeper.sweep import Sweep

__all__ = ["cores_for", "require_no_password", "require_whole_paths"]


def require_whole_paths(sweep: Sweep, there: str) -> None:
    """Raise `UserError` for a storage or a data folder that is given by a relative path.

    there : what happens to a relative storage, as the middle of the sentence.
    """
    if sweep.relative_storage:
        with placed(sweep.places.get("storage")):
            raise UserError(
                f"the storage {sweep.relative_storage} is a relative path, and {there}; give the "
                "whole path of a folder that every host sees, with `storage:` or --storage"
            )
    for folder in _relative_folders(sweep):
        raise UserError(
            f"the data folder {folder} is given by a relative path, and the job has another "
            "working folder; give the whole path of a folder that every host sees"
        )


def require_no_password(sweep: Sweep, shown: str) -> None:
    """Raise `UserError` if the tracker's address has a password.

    shown : where it would stand, as the middle of the sentence.
    """
    from analysis.sources.tracking_address import without_password

    if without_password(sweep.tracking) != sweep.tracking:
        with placed(sweep.places.get("tracking")):
            raise UserError(
                f"the password of the tracker would stand in {shown}; write it into "
                "~/.mlflow/credentials of the user who runs the sweep there (mode 600), and leave "
                "it out of the address"
            )


def cores_for(asked: Resources, cores: int | None, gpus: int, memory: int = 0) -> int:
    """The cores of a node: those given, or those of the packs for which its GPUs have room.

    memory : of a node in bytes; 0 where it is not known. Raises `UserError` if a pack has no room
    on a node, and so would wait for ever.
    """
    for name in asked.custom:
        raise UserError(
            f"a pack asks for {name}, which only nodes have that are started by hand with `ray "
            "start --resources`; leave `custom` out of the grid's resources"
        )
    packs = max(1, int(gpus / asked.gpus)) if asked.gpus else 1
    given = math.ceil(packs * asked.cpus) if cores is None else cores
    request = {"CPU": asked.cpus, "GPU": asked.gpus}
    there = {"CPU": float(given), "GPU": float(gpus)}
    if memory and asked.memory_gb:
        request["memory"], there["memory"] = asked.asked()["memory"], float(memory)
    if not packs_on(there, request):
        options = ["--cpus", "--gpus", "--memory"][: len(request)]
        raise UserError(
            f"a pack asks for {in_words(request)}, and a node would have {in_words(there)}; give "
            f"more with {' and '.join([', '.join(options[:-1]), options[-1]])}"
        )
    return max(1, given)


def _relative_folders(sweep: Sweep) -> list[str]:
    """The folders of the data sets that the grid does not give by their whole paths."""
    from trainers.fields import describe_fields

    data = [trial.trial.data for trial in (*sweep.trials, *sweep.examples())]
    fields = ((one, field) for one in data for field in describe_fields(type(one)))
    places = (getattr(one, field.name) for one, field in fields if field.where)
    return [place for place in places if isinstance(place, str) and place not in sweep.grid]
