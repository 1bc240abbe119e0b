"""Addresses of tracking stores: build and parse them, and hide their passwords."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

__all__ = [
    "has_no_password",
    "is_server",
    "page_address",
    "sqlite_address",
    "sqlite_path",
    "without_password",
    "without_user",
]

SQLITE = "sqlite:///"
ESCAPED = {"%": "%25", "?": "%3F"}
OPTIONS = re.compile(r"\?(?=\w+=[^/]*$)")
USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*):\S*@")
SECRET = re.compile(r"([?&]\w*(?:password|passwd|token)=)[^\s&]+", re.IGNORECASE)
HIDDEN = "***"


def sqlite_address(path: Path) -> str:
    """The address of a SQLite file; special characters of addresses are escaped as %XX."""
    return SQLITE + re.sub("[%?]", lambda found: ESCAPED[found[0]], str(path))


def sqlite_path(uri: str) -> Path | None:
    """The file of a SQLite address; None for another store, or one in memory.

    A question mark is part of the name unless options (``?name=value``) follow it.
    """
    if not uri.startswith(SQLITE):
        return None
    name = OPTIONS.split(uri.removeprefix(SQLITE), maxsplit=1)[0]
    return None if name in ("", ":memory:") else Path(unquote(name))


def is_server(uri: str) -> bool:
    """Whether the address is that of an MLflow server."""
    return uri.startswith(("http://", "https://"))


def page_address(server: str, place: str, view: str | None = None) -> str:
    """The address of a page of a server, such as ``experiments/1``, in the view of runs.

    MLflow's own choice is a view for language models, which shows none. view : the key of a view
    that the experiment shares, of which MLflow's page takes filter, order and columns.
    """
    shared = f"&viewStateShareKey={view}" if view else ""
    return f"{server.rstrip('/')}/#/{place}?workflowType=machine_learning{shared}"


def without_password(text: str) -> str:
    """An address, or a text with addresses in it, with ``***`` instead of each password."""
    return SECRET.sub(rf"\1{HIDDEN}", USER.sub(rf"\1:{HIDDEN}@", text))


def has_no_password(uri: str) -> bool:
    """Whether an address has ``***`` instead of its password, so that it cannot be used."""
    return f":{HIDDEN}@" in uri or f"={HIDDEN}" in uri


def without_user(uri: str) -> str:
    """The address of a server without the user and the password in it."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
