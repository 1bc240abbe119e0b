"""The run-time type checker of the tests: beartype, with ints where floats are expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import config

__all__ = ["check", "unchecked"]

_checked = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its arguments checked; one inside another is left while checks are off."""
    if config.jaxtyping_disable and "<locals>" in function.__qualname__:
        return function
    checked: Callable[..., Any] = _checked(function)
    return checked


@contextmanager
def unchecked() -> Iterator[None]:
    """Check no shapes meanwhile: that is a third of what training costs."""
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", False)
