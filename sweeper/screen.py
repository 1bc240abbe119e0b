"""What the commands print with: text for people, JSON for scripts, errors for both."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["console", "print_error", "print_json"]


def console(stderr: bool = False) -> Console:
    """A console for stdout, or for stderr where stdout belongs to JSON."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def print_json(value: Mapping[str, Any]) -> None:
    """Write one JSON object on one line; NaN and infinity become null."""
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def print_error(message: str) -> None:
    """One message on stderr, whatever brackets it holds."""
    from rich.text import Text

    console(stderr=True).print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
