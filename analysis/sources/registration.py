"""Whether what is analysed was declared before the run, by what `sweep.json` has registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.wording import listed, plural

__all__ = ["Registration", "digest", "registration"]

WORDS = {"trials": "the trials", "until": "the rule for seeds", "search": "the search"}
SECTIONS = {"choose": "the choice"}  # of the analysis; the others have their own name


@dataclass(frozen=True)
class Registration:
    """The registration of a sweep. id: as registered; now: the hash of what is declared now.

    time: when it was registered; finished: trials that had finished by then. changes: what was
    declared otherwise, such as ``law``.
    """

    id: str
    now: str
    time: str
    finished: int
    changes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether all was declared before the run, and nothing has changed since."""
        return self.id == self.now and not self.finished

    def post_hoc(self, what: str) -> bool:
        """Whether `what` (law, equivalence) was declared after trials had finished."""
        return self.finished > 0 or what in self.changes

    def sentence(self) -> str:
        if self.finished:
            told = (
                f"Registered as {self.id} when {plural(self.finished, 'trial')} had finished, so "
                "law and margin are post hoc"
            )
        else:
            told = f"Registered before the run as {self.id}"
        if self.id == self.now:
            return f"{told}; unchanged."
        words = {**WORDS, **SECTIONS}
        changed = listed(words.get(one, f"the {one}") for one in self.changes)
        return f"{told}; changed since, to {self.now}: {changed or 'its content'}."


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
    )


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
