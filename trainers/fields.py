"""Hyperparameter fields: their bounds, and whether they may differ inside a pack."""

from __future__ import annotations

import copy
import math
import numbers
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from trainers.errors import InvalidValue

__all__ = [
    "Component",
    "Count",
    "Field",
    "Fraction",
    "Later",
    "Limits",
    "Natural",
    "NoiseScale",
    "NonNegative",
    "PerMember",
    "Positive",
    "Rate",
    "Scale",
    "SplitSeed",
    "Violation",
    "Weight",
    "Where",
    "describe_fields",
    "from_checked",
    "substitute",
    "violation",
]


C = TypeVar("C")
_DESCRIBED: dict[type[Any], tuple[Field, ...]] = {}


@dataclass(frozen=True)
class Limits:
    """An interval that a number must lie in; `gt` and `lt` exclude their ends."""

    gt: float = -math.inf
    ge: float = -math.inf
    lt: float = math.inf
    le: float = math.inf

    def admits(self, value: float) -> bool:
        return self.gt < value < self.lt and self.ge <= value <= self.le

    def __str__(self) -> str:
        """In signs, such as ``>= 0 and < 1``."""
        return self._told(">", ">=", "<", "<=")

    @property
    def words(self) -> str:
        """As a sentence has it, such as ``at least 0 and less than 1``, or ``from 0 to 1``."""
        if math.isfinite(self.ge) and math.isfinite(self.le):
            return f"from {self.ge:g} to {self.le:g}"
        return self._told("greater than", "at least", "less than", "at most")

    def _told(self, *signs: str) -> str:
        ends = zip(signs, (self.gt, self.ge, self.lt, self.le), strict=True)
        return " and ".join(f"{sign} {end:g}" for sign, end in ends if math.isfinite(end))


@dataclass(frozen=True)
class PerMember:
    """Marks a number that may differ between the members of a pack (a 0-d tensor there)."""


@dataclass(frozen=True)
class NoiseScale:
    """Marks the field that is the model's noise level, in data units.

    `beta_exponent` is e where a weight β of the KL learns what the scale s·β^e learns at β = 1:
    ½ where log p(x|z) falls with s², 1 where it falls with s (Saremi 2020, arXiv:2005.09047,
    Theorems 1 and 2); None where no such theorem is known.
    """

    beta_exponent: float | None = None


@dataclass(frozen=True)
class Where:
    """Marks a field that locates a file and changes no result; it is not part of a trial's id."""


@dataclass(frozen=True)
class Later:
    """Marks a field that is younger than stored trials: at its default it is not part of a config.

    Trials from before the field was added keep their ids.
    """


@dataclass(frozen=True)
class Violation:
    """The rule that a value breaks, such as ``greater than 0``.

    element : its index in a tuple.
    """

    rule: str
    element: int | None = None


Positive = Annotated[float, Limits(gt=0)]
NonNegative = Annotated[float, Limits(ge=0)]
Fraction = Annotated[float, Limits(ge=0, le=1)]
Count = Annotated[int, Limits(ge=1)]
Natural = Annotated[int, Limits(ge=0)]
Scale = Annotated[float, Limits(gt=0), PerMember()]
Weight = Annotated[float, Limits(ge=0), PerMember()]
Rate = Annotated[float, Limits(ge=0, le=1), PerMember()]
SplitSeed = Annotated[Natural | None, Later()]


@dataclass(frozen=True)
class Field:
    """One hyperparameter as the grid, the error messages and `sweeper list` see it."""

    name: str
    type: Any
    default: Any
    required: bool
    bounds: Limits | None
    per_member: bool
    where: bool
    noise: NoiseScale | None = None
    later: bool = False

    def unsaid(self, value: object) -> bool:
        """Whether the field is left out of configs and params with this value, see `Later`."""
        return self.later and value == self.default


def describe_fields(component: type[Any]) -> tuple[Field, ...]:
    """The hyperparameters of a component class in the order of their declaration."""
    if component not in _DESCRIBED:
        _DESCRIBED[component] = tuple(_describe(component))
    return _DESCRIBED[component]


def from_checked(component: type[C], **values: object) -> C:
    """A component made without checks, from numbers (or a pack's tensors) checked before."""
    made = component.__new__(component)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def substitute(component: C, values: Mapping[str, object]) -> C:
    """A copy of a component with some fields replaced; tensors may stand for numbers."""
    if not values:
        return component
    other = copy.copy(component)
    for name, value in values.items():
        object.__setattr__(other, name, value)
    return other


def _describe(component: type[Any]) -> Iterator[Field]:
    hints = get_type_hints(component, include_extras=True)
    for field in fields(component):
        hint = hints[field.name]
        marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        default = field.default_factory() if callable(field.default_factory) else field.default
        yield Field(
            name=field.name,
            type=get_args(hint)[0] if marks else hint,
            default=None if default is MISSING else default,
            required=default is MISSING,
            bounds=next((mark for mark in marks if isinstance(mark, Limits)), None),
            per_member=any(isinstance(mark, PerMember) for mark in marks),
            where=any(isinstance(mark, Where) for mark in marks),
            noise=next((mark for mark in marks if isinstance(mark, NoiseScale)), None),
            later=any(isinstance(mark, Later) for mark in marks),
        )


class Component:
    """Base of every hyperparameter dataclass: checks what its fields declare.

    It checks bounds, whole numbers and choices, and the same for each element of a tuple. Raises
    `InvalidValue` with the rule, the value and the class's name. Tensors (the values of a pack's
    members) were checked when their trial was built, and are not checked again.
    """

    def __post_init__(self) -> None:
        for field in describe_fields(type(self)):
            value = getattr(self, field.name)
            if found := violation(field.type, field.bounds, value):
                raise InvalidValue(
                    f"{type(self).__name__}.{field.name} must be {found.rule}, not {value!r}"
                )


def violation(hint: Any, bounds: Limits | None, value: Any) -> Violation | None:
    """The rule that a number, a choice, or an element of a tuple breaks; None if it is valid."""
    if hint in (int, float):
        return _violation_of_number(hint, bounds, value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        marks = (mark for mark in arguments[1:] if isinstance(mark, Limits))
        return violation(arguments[0], next(marks, bounds), value)
    if origin is Literal:
        known = ", ".join(map(repr, arguments))
        return None if value in arguments else Violation(f"one of {known}")
    if origin is tuple:
        return _violation_in_tuple(arguments[0], bounds, value)
    if origin in (Union, types.UnionType) and value is not None:
        found = [violation(one, bounds, value) for one in arguments if one is not type(None)]
        return None if None in found else found[0]
    return None


def _violation_in_tuple(hint: Any, bounds: Limits | None, value: Any) -> Violation | None:
    if not isinstance(value, tuple):
        return Violation("a tuple")
    for position, element in enumerate(value):
        if found := violation(hint, bounds, element):
            return Violation(found.rule, position)
    return None


def _violation_of_number(hint: Any, bounds: Limits | None, value: Any) -> Violation | None:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return None if hasattr(value, "ndim") else Violation("a number")
    if hint is int and not isinstance(value, numbers.Integral):
        return Violation("a whole number")
    if math.isfinite(value) and (bounds is None or bounds.admits(float(value))):
        return None
    return Violation((bounds and bounds.words) or "finite")
