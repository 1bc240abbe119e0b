"""Check a value of a grid against the type and bounds of a component's field."""

from __future__ import annotations

import functools
import types
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from sweeper.errors import Address
from sweeper.grid.axes import round_value
from sweeper.grid.complaints import complain, show
from sweeper.grid.document import Document
from trainers.fields import Field, violation

__all__ = ["check_value", "describe_type", "takes_list"]

PLAIN = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    type(None): "empty",
}
LARGEST = 10**9
STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def check_value(document: Document, address: Address, field: Field, raw: Any) -> Any:
    """The value converted for the component; raises `UserError` if it is not valid.

    Pydantic checks the type, with a list for a tuple and 20.0 for 20, as YAML writes them; the
    bounds are checked by the same function as in the component.
    """
    try:
        value = round_value(_adapter(field.type).validate_python(raw))
    except ValidationError as error:
        inner, message = complain(error)
        numbers = tuple(step for step in inner if isinstance(step, int))
        raise document.error(message, (*address, *numbers)) from error
    built = tuple(value) if isinstance(value, list) else value
    if found := violation(field.type, field.bounds, built):
        steps = () if found.element is None else (found.element,)
        wrong = raw[found.element] if steps else raw
        raise document.error(f"must be {found.rule}, not {show(wrong)}", (*address, *steps))
    if field.where and isinstance(value, str):
        return str((document.folder / Path(value).expanduser()).absolute())
    return value


def takes_list(field: Field) -> bool:
    """Whether one value of the field is a list, as for ``channels``."""
    return get_origin(field.type) is tuple


def describe_type(hint: Any) -> str:
    """A field's type in words for messages and `sweeper list`, such as ``whole number``."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return describe_type(arguments[0])
    if origin is tuple:
        inner = describe_type(arguments[0])
        return f"list of {inner}s" if inner.endswith("number") else f"list of {inner}"
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin in (Union, types.UnionType):
        return " or ".join(describe_type(one) for one in arguments)
    return PLAIN.get(hint, str(hint))


@functools.cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(_translate(hint), config=STRICT)


def _translate(hint: Any) -> Any:
    """The field's type for pydantic, without bounds; accepts lists as tuples, 20.0 as 20."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _translate(arguments[0])
    if origin is tuple:
        return list[_translate(arguments[0])]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        return Union[tuple(_translate(argument) for argument in arguments)]  # noqa: UP007
    return (
        Annotated[int, BeforeValidator(_whole), AfterValidator(_countable)]
        if (hint is int)
        else hint
    )


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _countable(value: int) -> int:
    if abs(value) > LARGEST:
        raise PydanticCustomError("bounds", "must be at most {most}", {"most": f"{LARGEST:,}"})
    return value
