"""Turn points into planned trials: ids, twins and labels; duplicates are refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sweeper.errors import render_address
from sweeper.grid.aliases import as_twin, partner, weight
from sweeper.grid.document import Document
from sweeper.grid.expand import Point
from sweeper.grid.identity import lineage_id, trial_id
from sweeper.grid.labels import flat_params, labels
from sweeper.sweep import PlannedTrial, noise_key
from trainers.datasets import Dataset
from trainers.errors import DataError, Incompatible
from trainers.registry import name_of
from trainers.trial import Trial

__all__ = ["resolve"]


@dataclass(frozen=True)
class _Named:
    """A point with its id.

    `twin_of` is the id of the partner that it is compared with, `merged_from` that of the alias
    whose parameters it takes.
    """

    point: Point
    trial: Trial
    id: str
    twin_of: str | None = None
    merged_from: str | None = None


def resolve(
    document: Document, points: Sequence[Point], shown: Sequence[str] = ()
) -> tuple[PlannedTrial, ...]:
    """The planned trials of the points, with ids and labels.

    `shown` are parameters that every label holds. Raises `UserError` for equal trials, missing
    data, and missing partners of aliases.
    """
    facts = _Facts(document)
    named = _pair(
        document,
        facts,
        [_Named(point, point.trial, facts.id(point, point.trial)) for point in points],
    )
    _refuse_duplicates(document, facts, named)
    params = [flat_params(one.trial) for one in named]
    scales = [noise_key(one.trial) for one in named]
    return tuple(
        _planned(facts, one, flat, label)
        for one, flat, label in zip(named, params, labels(params, scales, shown), strict=True)
    )


@dataclass
class _Facts:
    """Checksums of data and counts of parameters, each computed once for many trials."""

    document: Document
    checksums: dict[Dataset, str] = field(default_factory=dict)
    counts: dict[Any, int] = field(default_factory=dict)

    def id(self, point: Point, trial: Trial) -> str:
        return trial_id(trial, self.checksum(point))

    def checksum(self, point: Point) -> str:
        data = point.trial.data
        if data not in self.checksums:
            try:
                self.checksums[data] = data.checksum()
            except DataError as error:
                raise self.document.error(str(error), point.data_address) from error
        return self.checksums[data]

    def parameters(self, point: Point) -> int:
        trial = point.trial
        outputs = trial.likelihood.outputs if trial.likelihood else 1
        key = (name_of(trial.objective), trial.network, trial.data.shape, outputs)
        if key not in self.counts:
            try:
                self.counts[key] = trial.count_parameters()
            except Incompatible as error:
                raise self.document.error(str(error), point.address) from error
        return self.counts[key]


def _pair(document: Document, facts: _Facts, named: Sequence[_Named]) -> list[_Named]:
    """Make trials with β ≠ 1 twins or merged trials, according to the grid's `aliases`."""
    declared, sources = {one.id for one in named}, _sources(facts, named)
    return [
        _twin(document, facts, one, declared)
        if one.point.aliases == "verify"
        else _merged(facts, one, sources[one.id])
        if one.id in sources
        else one
        for one in named
    ]


def _sources(facts: _Facts, named: Sequence[_Named]) -> dict[str, _Named]:
    """For each trial to merge, the alias that is trained: that with β = 1, else the first."""
    if all(one.point.aliases != "merge" for one in named):
        return {}
    groups: dict[str, list[_Named]] = defaultdict(list)
    for one in named:
        other = partner(one.trial)
        if one.point.aliases != "verify" or other is None:
            groups[facts.id(one.point, other or one.trial)].append(one)
    firsts = {
        key: min(group, key=lambda one: weight(one.trial) != 1) for key, group in groups.items()
    }
    return {
        one.id: firsts[key]
        for key, group in groups.items()
        for one in group
        if one.point.aliases == "merge" and one.id != firsts[key].id
    }


def _merged(facts: _Facts, one: _Named, source: _Named) -> _Named:
    trial = as_twin(one.trial, source.trial)
    own = trial_id(trial, facts.checksum(one.point), source.id)
    return _Named(one.point, trial, own, merged_from=source.id)


def _twin(document: Document, facts: _Facts, one: _Named, declared: set[str]) -> _Named:
    other = partner(one.trial)
    if other is None:
        return one
    found = facts.id(one.point, other)
    if found not in declared:
        own, wanted = _names([one.trial, other])
        raise document.error(
            f"aliases: verify needs the partner of every row with β ≠ 1, and "
            f"{own} has none: add {wanted} to the grid, or write "
            "`aliases: keep` in this block",
            one.point.address,
        )
    twin = as_twin(one.trial)
    return _Named(one.point, twin, facts.id(one.point, twin), found)


def _refuse_duplicates(document: Document, facts: _Facts, named: Sequence[_Named]) -> None:
    seen: dict[str, _Named] = {}
    for one in named:
        own = facts.id(one.point, one.trial) if one.merged_from else one.id
        first = seen.setdefault(own, one)
        if first is not one:
            label = _names([one.trial])[0]
            place = first.point.address
            other = (
                "its axes repeat a value"
                if place == one.point.address
                else f"here and in {render_address(place)} (line {document.line(place)})"
            )
            raise document.error(f"the trial {label} appears twice: {other}", one.point.address)


def _planned(facts: _Facts, one: _Named, params: Mapping[str, Any], label: str) -> PlannedTrial:
    trial, point = one.trial, one.point
    checksum, shape = facts.checksum(point), list(trial.data.shape)
    dims = 1
    for side in shape:
        dims *= side
    return PlannedTrial(
        id=one.id,
        lineage=lineage_id(trial, checksum),
        label=label,
        params=params,
        trial=trial,
        data={"checksum": checksum, "shape": shape, "dims": dims},
        parameters=facts.parameters(point),
        role=_role(one),
        twin_of=one.twin_of,
        merged_from=one.merged_from,
        line=facts.document.line(point.address),
        evaluate=tuple(asked.evaluator for asked in point.asked),
        priority=point.priority,
    )


def _names(trials: Sequence[Trial]) -> list[str]:
    """The labels of these trials, for messages."""
    return labels([flat_params(trial) for trial in trials], [noise_key(one) for one in trials])


def _role(one: _Named) -> Literal["declared", "twin", "merged"]:
    if one.merged_from:
        return "merged"
    return "twin" if one.twin_of else "declared"
