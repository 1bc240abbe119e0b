"""Whether what is analysed was declared before the run, by what `sweep.json` has registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.wording import listed, plural

__all__ = ["EARLIER", "Registration", "digest", "registration"]

EARLIER = "registrations of the experiment"  # of all its sweeps, in an experiment of one of them
WORDS = {"trials": "the trials", "until": "the rule for seeds", "search": "the search"}
SECTIONS = {"law": "the law", "equivalence": "the margin", "choose": "the choice"}


@dataclass(frozen=True)
class Registration:
    """The registration of a sweep. id: as registered; now: the hash of what is declared now.

    time: when it was registered; finished: trials of the experiment that had finished by then.
    changes: what was declared otherwise, such as ``law``. kept: the sections of the analysis that
    a sweep declared alike before any trial of the experiment had finished.
    """

    id: str
    now: str
    time: str
    finished: int
    changes: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all was declared before the run, and nothing has changed since."""
        return self.id == self.now and not self.finished

    def post_hoc(self, what: str) -> bool:
        """Whether `what` (law, equivalence) was declared after trials had finished."""
        return what in self.changes or (self.finished > 0 and what not in self.kept)

    def sentence(self) -> str:
        if self.finished:
            told = (
                f"{plural(self.finished, 'trial')} of the experiment had finished before this "
                f"registration, {self.id}; {self._order()}"
            )
        else:
            told = f"Trials, law and margin were registered before the run ({self.id})"
        if self.id == self.now:
            return f"{told}; unchanged since."
        words = {**WORDS, **SECTIONS}
        changed = listed(words.get(one, f"the {one}") for one in self.changes)
        return f"{told}; changed since, to {self.now}: {changed or 'its content'}."

    def _order(self) -> str:
        """Which of law and margin were declared before those trials, and which are post hoc."""
        later = [SECTIONS[one] for one in ("law", "equivalence") if one not in self.kept]
        if not later:
            return "law and margin had been declared before those"
        were, are = ("were", "are") if len(later) > 1 else ("was", "is")
        return f"{listed(later)} {were} not declared before those, and {are} post hoc"


def registration(sweeps: Sequence[Mapping[str, Any]]) -> Registration | None:
    """That of the newest sweep; None if it was stored without one."""
    last = sweeps[-1] if sweeps else {}
    known = last.get("registered")
    if not isinstance(known, Mapping) or not isinstance(known.get("declared"), Mapping):
        return None
    before, now = dict(known["declared"]), _declared(last)
    return Registration(
        str(known.get("id")),
        digest(now),
        str(known.get("time", "")),
        int(known.get("finished") or 0),
        tuple(_changes(before, now)),
        tuple(_kept(sweeps, now)),
    )


def _kept(sweeps: Sequence[Mapping[str, Any]], now: Mapping[str, Any]) -> list[str]:
    """The sections of the analysis that some sweep registered alike before anything finished."""
    every = [one.get("registered") for one in sweeps] + list(sweeps[-1].get(EARLIER) or [])
    first = [
        (known["declared"].get("analysis") or {})
        for known in every
        if isinstance(known, Mapping)
        and isinstance(known.get("declared"), Mapping)
        and not known.get("finished")
    ]
    section = now.get("analysis") or {}
    return [name for name in SECTIONS if any(one.get(name) == section.get(name) for one in first)]


def _declared(sweep: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "trials": str(sweep.get("sweep", "")).rpartition("-")[2],
        "analysis": sweep.get("analysis"),
        "until": (sweep.get("until") or {}).get("rule"),
        "search": sweep.get("search"),
    }


def digest(declared: Mapping[str, Any]) -> str:
    """16 hex digits of the SHA-256 of what a grid declares, as JSON with sorted keys."""
    text = json.dumps(declared, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names of what differs; of the analysis, its sections."""
    found = [name for name in WORDS if before.get(name) != now.get(name)]
    sections = [one.get("analysis") or {} for one in (before, now)]
    names = sorted({*sections[0], *sections[1]})
    return found + [name for name in names if sections[0].get(name) != sections[1].get(name)]
