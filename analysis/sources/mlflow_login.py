"""Requests to an MLflow server with the credentials that MLflow's own client would send."""

from __future__ import annotations

import base64
import configparser
import json
import netrc
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen

from analysis.sources.tracking_address import without_user

__all__ = ["authorization", "open_page"]

CREDENTIALS = "~/.mlflow/credentials"
LOGINS = ("~/.netrc", "~/_netrc")


def open_page(
    server: str, path: str, patience: float, body: Mapping[str, Any] | None = None
) -> Any:
    """Send a GET, or a POST of `body` as JSON, and return the open response.

    server : the address, which may contain ``user:password@``. patience : timeout in seconds.
    Raises the errors of `urlopen`.
    """
    request = Request(
        f"{without_user(server).rstrip('/')}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    if (header := authorization(server)) is not None:
        request.add_unredirected_header("Authorization", header)
    return urlopen(request, timeout=patience, context=_certificates())


def authorization(server: str) -> str | None:
    """The Authorization header, or None.

    It is made from the netrc file, the address, the environment, the credentials file, or a token.
    The netrc file comes first, because it does in `requests`, with which MLflow's client asks.
    """
    parts = urlsplit(server)
    if (login := _login(parts.hostname or "")) is not None:
        return login
    if parts.username is not None:
        return _basic(unquote(parts.username), unquote(parts.password or ""))
    stored = _stored()
    user, password = (
        os.environ.get(f"MLFLOW_TRACKING_{name}") or stored.get(f"mlflow_tracking_{name.lower()}")
        for name in ("USERNAME", "PASSWORD")
    )
    if user and password:
        return _basic(user, password)
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return f"Bearer {token}" if token else None


def _login(host: str) -> str | None:
    """The header with the user and the password of a host in the netrc file; None without one."""
    named = os.environ.get("NETRC")
    places = [Path(place).expanduser() for place in ([named] if named else LOGINS)]
    try:
        file = next((place for place in places if place.exists()), None)
        found = netrc.netrc(file).authenticators(host) if file else None
    except (OSError, RuntimeError, UnicodeDecodeError, netrc.NetrcParseError):
        return None
    return _basic(found[0] or found[1], found[2]) if found else None


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _stored() -> Mapping[str, str]:
    """The section ``[mlflow]`` of the credentials file; empty if there is none."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(Path(CREDENTIALS).expanduser())
    except (OSError, configparser.Error, UnicodeDecodeError):
        return {}
    return dict(parser["mlflow"]) if "mlflow" in parser else {}


def _certificates() -> ssl.SSLContext:
    """The TLS context with the trusted certificates, by the settings of MLflow and requests."""
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        return ssl._create_unverified_context()
    names = ("MLFLOW_TRACKING_SERVER_CERT_PATH", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    place = next((value for name in names if (value := os.environ.get(name))), None)
    folder = place if place and Path(place).is_dir() else None
    return ssl.create_default_context(cafile=None if folder else place, capath=folder)
