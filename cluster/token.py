"""Ray's token, without which anybody who reaches its ports runs programs as the sweep's owner."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cluster.errors import ClusterError
from cluster.private_files import private_text, repair

__all__ = ["MODE", "VALUE", "own_token", "present_token", "token_file"]

MODE = "RAY_AUTH_MODE"
VALUE, PLACE = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


def token_file() -> Path:
    """The file that Ray reads the token from."""
    return Path(os.environ.get(PLACE) or "~/.ray/auth_token").expanduser()


def own_token() -> None:
    """Have a Ray that this process starts ask for a token, which is drawn if there is none.

    The file is of mode 0600; Ray itself would write it by the umask. Raises `ClusterError` if
    it cannot be written or read.
    """
    os.environ[MODE] = "token"
    if os.environ.get(VALUE):
        return
    try:
        text = private_text(token_file(), secrets.token_hex(32))
    except OSError as error:
        raise ClusterError(
            f"the token of Ray, {token_file()}, cannot be used ({error.strerror}); mend that, set "
            f"{PLACE} to a file of your own, or use --inline"
        ) from error
    if not text:
        raise ClusterError(f"the token of Ray, {token_file()}, is empty; delete that file")


def present_token() -> None:
    """Show this user's token, if there is one, to a Ray that somebody else has started."""
    try:
        there = bool(os.environ.get(VALUE)) or bool(token_file().read_text().strip())
        if there and not os.environ.get(VALUE):
            repair(token_file())
    except OSError:
        there = False
    if there:
        os.environ.setdefault(MODE, "token")
    elif os.environ.get(MODE) == "token":
        del os.environ[MODE]  # Ray would abort the process; what listens there will say it
