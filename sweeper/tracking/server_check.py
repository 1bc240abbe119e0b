"""Check an MLflow server: whether it answers, and whether it takes what a sweep would write."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import uuid
from collections.abc import Mapping
from typing import Any

from analysis.sources.mlflow_login import authorization, open_page
from analysis.sources.tracking_address import without_password
from sweeper.errors import UserError

__all__ = ["EXAMPLES", "Refused", "Unwell", "check_server", "check_server_takes"]

EXAMPLES = "use sqlite:///mlflow.db, or the address of a server (http://host:5000)"
PATIENCE = 10.0  # seconds, as a server that has just started is slow on a busy machine
API = "/api/2.0/mlflow/experiments"
TAG = "sweeper.written_to"


class Unwell(UserError):
    """A server that answers too slowly, or with an error of its own."""


class Refused(UserError):
    """A store that answers, and refuses what it is sent."""


def check_server(uri: str, patience: float = PATIENCE) -> None:
    """Raise `UserError` unless a healthy MLflow server answers; `Unwell` if it is ill or slow."""
    shown = without_password(uri)
    try:
        with open_page(uri, "/health", patience):
            return
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            cure = _cure(uri, error.code, "host")  # this page is forbidden for no other reason
            raise Refused(
                f"the MLflow server at {shown} refuses us ({error.code}); {cure}"
            ) from error
        kind = Unwell if error.code >= 500 else UserError
        raise kind(
            f"{shown} answers, but not as a healthy MLflow server (GET /health: "
            f"{error.code}); look at its log, or {EXAMPLES}"
        ) from error
    except (TimeoutError, http.client.HTTPException, ConnectionResetError) as error:
        raise _silent(shown, "GET /health", error) from error
    except (OSError, ValueError) as error:
        cause = getattr(error, "reason", error)
        raise UserError(
            f"no MLflow server answers at {shown} ({cause}); start it (mlflow server), "
            f"correct `tracking`, or {EXAMPLES}"
        ) from error


def check_server_takes(uri: str, experiment: str | None = None) -> None:
    """Write to the server as a sweep would, as `/health` asks for neither a password nor a host.

    experiment : made, restored or tagged, as the sweep needs it; None makes one for the check, and
    deletes it. Raises `Refused` if the server refuses it, and `Unwell` if it is ill or slow.
    """
    if experiment is None:
        made = _call(uri, "create", {"name": f"sweeper-doctor-{uuid.uuid4().hex[:8]}"})
        _call(uri, "delete", {"experiment_id": made["experiment_id"]})
        return
    query = urllib.parse.urlencode({"experiment_name": experiment})
    found = _call(uri, f"get-by-name?{query}", None, but="RESOURCE_DOES_NOT_EXIST")
    if not found:
        _call(uri, "create", {"name": experiment}, but="RESOURCE_ALREADY_EXISTS")
        return
    one = {"experiment_id": found["experiment"]["experiment_id"]}
    if found["experiment"].get("lifecycle_stage") == "deleted":
        _call(uri, "restore", one)
    _call(uri, "set-experiment-tag", one | {"key": TAG, "value": "true"})


def _call(
    uri: str, path: str, body: Mapping[str, Any] | None, but: str | None = None
) -> dict[str, Any]:
    """The answer to a call; empty where the server answers with the error code `but`."""
    shown = without_password(uri)
    try:
        with open_page(uri, f"{API}/{path}", PATIENCE, body) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode(errors="replace")
        if but and _code(said) == but:
            return {}
        if error.code >= 500:
            raise Unwell(f"{shown} answers with an error of its own ({error.code})") from error
        raise Refused(
            f"the MLflow server at {shown} refuses what a sweep writes ({error.code}); "
            f"{_cure(uri, error.code, said)}"
        ) from error
    except (TimeoutError, OSError, http.client.HTTPException, ValueError) as error:
        raise _silent(shown, path.partition("?")[0], error) from error


def _code(said: str) -> str | None:
    try:
        return str(json.loads(said).get("error_code"))
    except (ValueError, AttributeError):
        return None


def _cure(uri: str, status: int, said: str) -> str:
    """What to do about a refusal, by its status and by what the server says of it."""
    if status == 403 and "host" in said.lower():
        host = urllib.parse.urlsplit(uri).netloc.rpartition("@")[2]
        return f"start it with --allowed-hosts {host}, or use a name that it allows"
    if status == 403:
        return "have its owner let this user edit the experiment, or name another `experiment`"
    if status == 401:
        return _remedy(uri)
    return f"it says: {(said.splitlines() or ['nothing'])[0][:200]}"


def _silent(shown: str, asked: str, error: Exception) -> Unwell:
    return Unwell(
        f"{shown} takes connections and does not answer ({asked}: {error}); look "
        f"at its log, or {EXAMPLES}"
    )


def _remedy(uri: str) -> str:
    """The remedy for a refused login: set credentials if none were sent, else other ones."""
    if authorization(uri):
        return "correct the user and the password (or the token) that it was sent"
    return "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
