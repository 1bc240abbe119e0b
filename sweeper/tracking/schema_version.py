"""Compare the version of a database's MLflow tables with that of the installed MLflow.

MLflow is not imported, because that takes seconds; the versions are in its migrations' names.
"""

from __future__ import annotations

import functools
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

from analysis.sources.tracking_address import without_password
from sweeper.errors import UserError

__all__ = ["QUERY", "OtherSchema", "check_schema"]

QUERY = "SELECT version_num FROM alembic_version"
REVISION = re.compile(r'^(down_)?revision\s*(?::[^=]*)?=\s*["\'](\w+)["\']', re.MULTILINE)


class OtherSchema(UserError):
    """A database of an older or newer MLflow version, to which the installed one cannot write."""


def check_schema(uri: str, found: str | None) -> None:
    """Raise `OtherSchema`, with the remedy, unless `found` is the installed version.

    `found` None is a database without tables, which MLflow creates.
    """
    known, newest = revisions()
    if found is None or not newest or found == newest:
        return
    shown = without_password(uri)
    if found in known:
        command = shlex.join(["mlflow", "db", "upgrade", shown])
        raise OtherSchema(
            f"the tracking database {shown} was made by an older MLflow (its schema is {found}, "
            f"and {newest} is needed): copy it somewhere safe, and run `{command}`"
        )
    raise OtherSchema(
        f"the tracking database {shown} was made by a newer MLflow (its schema {found} is unknown "
        "here): run `pip install --upgrade mlflow`, or choose another with `tracking`"
    )


@functools.cache
def revisions() -> tuple[frozenset[str], str | None]:
    """All versions that the installed MLflow knows, and the newest; empty, None if not found."""
    package = find_spec("mlflow")
    places = (package.submodule_search_locations if package else None) or []
    texts = [
        file.read_text(encoding="utf-8")
        for place in places
        for file in Path(place, "store", "db_migrations", "versions").glob("*.py")
    ]
    named = [found.groups() for text in texts for found in REVISION.finditer(text)]
    known = {name for down, name in named if not down}
    newest = known - {name for down, name in named if down}
    return frozenset(known), newest.pop() if len(newest) == 1 else None
