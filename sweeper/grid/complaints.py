"""Error messages: pydantic's in the terms of a grid, and the nearest known name."""

from __future__ import annotations

import difflib
import reprlib
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from sweeper.errors import Address

__all__ = ["closest", "complain", "complaints", "letter", "nearest", "show", "unknown_key"]

RULES = {
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping (`key: value` lines)",
    "model_type": "must be a mapping (`key: value` lines)",
    "model_attributes_type": "must be a mapping (`key: value` lines)",
    "none_required": "must be empty",
    "finite_number": "must be finite",
    "missing": "is missing",
}
COMPARISONS = {
    "greater_than": "greater than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than_equal": "at most {le:,}",
}
GREEK = "GREEK SMALL LETTER "
WITHOUT_VALUE = ("missing", "whole")


def complain(error: ValidationError) -> tuple[Address, str]:
    """The address of the first error, and a sentence with the rule and the value."""
    return complaints(error)[0]


def complaints(
    error: ValidationError, known: Callable[[Address], Iterable[str]] = lambda _: ()
) -> list[tuple[Address, str]]:
    """Address and sentence of every error; `known` gives the keys of the section at an address.

    A key that is missing is no error of its own where an unknown one is nearly spelled like it.
    """
    errors = error.errors(include_url=False)
    strangers = [one["loc"] for one in errors if one["type"] == "extra_forbidden"]
    meant = {(*loc[:-1], closest(str(loc[-1]), known(loc[:-1]))) for loc in strangers}
    return [
        (
            tuple(one["loc"]) + tuple(one.get("ctx", {}).get("address", ())),
            unknown_key(str(one["loc"][-1]), known(one["loc"][:-1]))
            if one["type"] == "extra_forbidden"
            else _sentence(one["type"], one["msg"], one.get("ctx", {}), one["input"]),
        )
        for one in errors
        if one["type"] != "missing" or one["loc"] not in meant
    ]


def unknown_key(key: str, known: Iterable[str]) -> str:
    """The sentence for an unknown key, with the nearest known one."""
    names = sorted(known)
    return f"unknown key {show(key)}{nearest(key, names)} (known: {', '.join(names)})"


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'sigma'?`` (also for σ), or "" if no known name is similar."""
    found = closest(name, known)
    return f"; did you mean {found!r}?" if found else ""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelled most like this one; None if none is similar."""
    return next(iter(difflib.get_close_matches(_spelled(name), list(known), n=1)), None)


def letter(name: str) -> str:
    """The Greek letter that a name spells, as labels show it: sigma is σ; other names stay."""
    try:
        return unicodedata.lookup(GREEK + name.upper())
    except KeyError:
        return name


def _spelled(name: str) -> str:
    """The name with Greek letters spelled out as in grids: σ as sigma."""
    called = unicodedata.name(name, "") if len(name) == 1 else ""
    return called.removeprefix(GREEK).lower() if called.startswith(GREEK) else name


def show(value: Any) -> str:
    """A value in YAML notation, shortened, for messages."""
    if value is None or isinstance(value, bool):
        return {None: "empty", True: "true", False: "false"}[value]
    shortened = reprlib.Repr()
    shortened.maxstring = shortened.maxother = 60
    return shortened.repr(value)


def _sentence(kind: str, message: str, context: dict[str, Any], value: Any) -> str:
    if kind == "literal_error":
        rule = f"must be one of {str(context['expected']).replace(' or ', ', ')}"
    elif kind in COMPARISONS:
        rule = f"must be {COMPARISONS[kind].format(**context)}"
    else:
        rule = RULES.get(kind, message)
    return rule if kind in WITHOUT_VALUE else f"{rule}, not {show(value)}"
