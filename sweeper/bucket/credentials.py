"""The settings of S3 from the environment and from the files of its own command line.

obstore reads the environment itself; it does not read ``~/.aws``, and needs to be told the
endpoint's names that AWS uses.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["s3_settings"]

KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
ELSEWHERE = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)


def s3_settings() -> dict[str, str]:
    """Region, endpoint and, if the environment has none, the credentials of ``AWS_PROFILE``."""
    profile = os.environ.get("AWS_PROFILE") or "default"
    stored = _section(_file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), profile)
    named = profile if profile == "default" else f"profile {profile}"
    config = _section(_file("AWS_CONFIG_FILE", "config"), named)
    both = {**config, **stored}
    found: dict[str, str] = {}
    if not any(map(os.environ.get, ELSEWHERE)):
        found |= {name: both[name] for name in KEYS if name in both}
    region = _first("AWS_REGION", "AWS_DEFAULT_REGION") or both.get("region")
    endpoint = _first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") or both.get("endpoint_url")
    return found | {
        name: value for name, value in (("region", region), ("endpoint", endpoint)) if value
    }


def _first(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)


def _file(variable: str, name: str) -> Path:
    return Path(os.environ.get(variable) or f"~/.aws/{name}").expanduser()


def _section(path: Path, name: str) -> Mapping[str, str]:
    """A section of an INI file; empty if it or the file is missing or cannot be read."""
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return {}
    return dict(parser[name]) if parser.has_section(name) else {}
