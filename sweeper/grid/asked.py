"""The `evaluate` list of a grid: the evaluations of the trained models of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.errors import Address, render_address
from sweeper.grid.complaints import nearest, show, unknown_key
from sweeper.grid.document import Document
from sweeper.grid.fieldtypes import check_value
from trainers.errors import DataError, Incompatible, InvalidValue
from trainers.evaluations import EVALUATIONS, Evaluator
from trainers.fields import describe_fields
from trainers.registry import name_of
from trainers.trial import Trial

__all__ = ["Asked", "read_evaluations", "refuse_meaningless"]

FORM = "[denoising, {nll: {k: 500}}]"


@dataclass(frozen=True)
class Asked:
    """One evaluation, and its address in the grid."""

    evaluator: Evaluator
    address: Address


def read_evaluations(document: Document, address: Address, raw: Any) -> tuple[Asked, ...]:
    """Read a list of names, and of mappings from a name to fields; each name at most once."""
    if not isinstance(raw, list):
        raise document.error(f"must be a list, such as {FORM}, not {show(raw)}", address)
    found: dict[str, Asked] = {}
    for position, item in enumerate(raw):
        with document.mistakes.independent():
            one = _read(document, (*address, position), item)
            if name_of(one.evaluator) in found:
                raise document.error(
                    f"{name_of(one.evaluator)} appears twice, and its metrics have one "
                    "name: choose one",
                    one.address,
                )
            found[name_of(one.evaluator)] = one
    return tuple(found.values())


def refuse_meaningless(
    document: Document, asked: Sequence[Asked], trial: Trial, block: Address
) -> None:
    """Raise `UserError` for the first evaluation that is not defined for a trial of the block."""
    for one in asked:
        try:
            one.evaluator.check(trial)
        except (Incompatible, InvalidValue) as error:
            remedy = ""
            if one.address[: len(block)] != block:
                remedy = (
                    f" (or give {render_address(block)}, line {document.line(block)}, an "
                    "`evaluate` of its own)"
                )
            raise document.error(f"{error}{remedy}", one.address) from error
        except DataError as error:
            raise document.error(str(error), block) from error


def _read(document: Document, address: Address, item: Any) -> Asked:
    named = {item: {}} if isinstance(item, str) else item
    if not isinstance(named, dict) or len(named) != 1:
        raise document.error(
            f"must be a name, or one name with its fields, as in {FORM}, not {show(item)}", address
        )
    name, given = next(iter(named.items()))
    if name not in EVALUATIONS:
        raise document.error(
            f"unknown evaluation {show(name)}{nearest(name, EVALUATIONS)} "
            f"(known: {', '.join(EVALUATIONS)})",
            address,
        )
    inner = address if isinstance(item, str) else (*address, name)
    if not isinstance(given or {}, dict):
        raise document.error("must be a mapping (`key: value` lines), not " + show(given), inner)
    return Asked(_build(document, inner, name, given or {}), address)


def _build(document: Document, address: Address, name: str, given: Mapping[str, Any]) -> Evaluator:
    fields = {field.name: field for field in describe_fields(EVALUATIONS[name])}
    for key in given:
        if key not in fields:
            raise document.error(unknown_key(key, fields), (*address, key))
    values = {
        key: check_value(document, (*address, key), fields[key], raw) for key, raw in given.items()
    }
    try:
        return EVALUATIONS.build({"name": name, **values})
    except InvalidValue as error:
        raise document.error(str(error), address) from error
