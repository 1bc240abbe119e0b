"""Hold each component of a file of the user's own to the rules of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sweeper.errors import UserError
from sweeper.grid.components import load_component_file, refused
from sweeper.planning.own_figures import figures_of, holds
from trainers import component_files
from trainers.component_files import Entry
from trainers.conformance import calls, data_sets, questions, require, training
from trainers.conformance.examples import small, trials_with
from trainers.conformance.judging import judged
from trainers.trial import Trial

__all__ = ["Judgement", "check_file"]

Rule = tuple[str, Callable[[], object]]  # what it says, and the test of it
PARTS = ("objective", "likelihood", "network", "corruption")


@dataclass(frozen=True)
class Judgement:
    """A component, the rules that it keeps, and what it does to the first one that it breaks.

    A part of a model is tried in several models, so that a rule may stand more than once.
    """

    component: str
    kept: tuple[str, ...]
    broken: str = ""


def check_file(path: Path) -> list[Judgement]:
    """One finding for each component, or figure, of a file.

    Raises `UserError` where the file cannot be imported, or registers nothing.
    """
    figures = figures_of(path)
    if figures:
        return [_finding(f"the figure {one.name}", [_rule(holds, one)], []) for one in figures]
    file = load_component_file(path)
    with refused():
        component_files.offer([file])
    return [_judge(entry) for entry in file.entries]


def _judge(entry: Entry) -> Judgement:
    named = f"the {entry.kind} {entry.name}"
    try:
        with refused():
            component = small(entry.component)
            rules = list(_rules(entry, component))
    except UserError as error:
        return Judgement(named, (), str(error))
    if not rules:
        return Judgement(named, (), "no model of the package can be combined with it")
    return _finding(named, rules, [component])


def _finding(named: str, rules: Iterable[Rule], components: list[Any]) -> Judgement:
    kept: list[str] = []
    for said, holds_true in rules:
        try:
            with refused(), judged(components):
                holds_true()
        except UserError as error:
            return Judgement(named, tuple(kept), str(error))
        kept.append(said)
    return Judgement(named, tuple(kept))


def _rule(test: Callable[..., object], *arguments: Any) -> Rule:
    """A rule is called like the sentence that it tests."""
    return test.__name__.strip("_").replace("_", " "), partial(test, *arguments)


def _rules(entry: Entry, component: Any) -> Iterator[Rule]:
    if entry.kind in PARTS:
        for trial in trials_with(entry.kind, entry.name):
            yield from (_rule(rule, trial) for rule in (*calls.RULES, *training.RULES))
    elif entry.kind == "data set":
        yield from (_rule(rule, component) for rule in data_sets.RULES)
    elif entry.kind == "search method":
        yield _rule(_draws_are_even_and_repeatable, component)
    elif entry.kind == "evaluation":
        yield _of_models(questions.answers_are_finite_and_tabulated, component)
    elif entry.kind == "sampler":
        yield _of_models(questions.samples_follow_from_the_generator, component)


def _models() -> Iterator[Trial]:
    for objective in ("elbo", "deen"):
        yield next(trials_with("objective", objective))


def _of_models(test: Callable[..., object], component: Any) -> Rule:
    answers = [partial(test, component, one) for one in _models()]
    return _rule(test)[0], partial(_someone_answers, answers)


def _someone_answers(answers: Iterable[Callable[[], object]]) -> None:
    given = [answer() for answer in answers]
    require(
        any(given),
        ("component", "check"),
        "some model can be asked",
        "`check` refuses both an autoencoder (elbo) and an energy (deen)",
        "raise Incompatible for those alone that cannot be asked",
    )


def _draws_are_even_and_repeatable(search: Any) -> None:
    if not search.ahead:
        return
    few, many = search.unit(0, 2, 4), search.unit(0, 2, 8)
    require(
        few.shape == (4, 2) and bool(((many >= 0) & (many < 1)).all()),
        ("search", "unit"),
        "`unit` gives `count` points in the unit cube [0, 1)^dims",
        f"4 points of 2 dimensions are {few.shape}",
        "return an array [count, dims]",
    )
    require(
        np.array_equal(few, many[:4]) and np.array_equal(few, search.unit(0, 2, 4)),
        ("search", "unit"),
        "more points of a stream begin with the same ones, each time",
        "they do not",
        "seed by np.random.default_rng([self.seed, stream])",
    )
