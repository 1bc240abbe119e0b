"""Apply the rules to components of the user's own, and say where a file breaks one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from trainers.component_files import ComponentFile, blamed, file_of
from trainers.conformance import BrokenRule, calls, data_sets
from trainers.errors import TrainerError
from trainers.trial import Trial

__all__ = ["check_calls", "judged"]


@contextmanager
def judged(components: Iterable[Any]) -> Iterator[None]:
    """Turn a broken rule, or an exception, of these components into a `BrokenComponent`.

    An exception outside their files is theirs too: something was done with what they returned.
    """
    try:
        with blamed():
            yield
    except Exception as error:
        own = [(file, one) for one in components if (file := file_of(type(one)))]
        if not own or (isinstance(error, TrainerError) and not isinstance(error, BrokenRule)):
            raise
        member = error.member if isinstance(error, BrokenRule) else ""
        file, one = next((pair for pair in own if hasattr(type(pair[1]), member)), own[0])
        raise _error(file, one, error) from error


def check_calls(trials: Iterable[Trial]) -> None:
    """The rules that cost little, for every data set and combination of the user's own parts.

    Raises `BrokenComponent`.
    """
    seen: set[Any] = set()
    for trial in trials:
        own = [one for one in trial.components() if file_of(type(one))]
        if not own or (key := _kind(trial)) in seen:
            continue
        seen.add(key)
        with judged(own):
            if trial.data in own and trial.data not in seen:
                seen.add(trial.data)
                _apply(data_sets.RULES, trial.data)
            _apply(calls.RULES, trial)


def _apply(rules: Iterable[Callable[[Any], None]], subject: Any) -> None:
    for rule in rules:
        rule(subject)


def _kind(trial: Trial) -> tuple[Any, ...]:
    return (*map(type, trial.components()), trial.data, trial.corrupts)


def _error(file: ComponentFile, component: Any, error: Exception) -> Exception:
    cls = type(component)
    kind = next(entry.kind for entry in file.entries if entry.component is cls)
    if isinstance(error, BrokenRule):
        return file.error(f"{kind} {component.name!r}: {error}", cls, error.member)
    return file.error(
        f"{kind} {component.name!r}: what one of its methods or properties returns cannot be used "
        f"({type(error).__name__}: {error}); have each return what its annotation says",
        cls,
    )
