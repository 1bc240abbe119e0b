"""The program and machine that trained a trial, and whether the trials of a table mix several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.wording import listed, plural

__all__ = ["MACHINE", "machine", "mixed"]

MACHINE = ("source", "python", "versions", "cpu", "instructions", "device")


def machine(about: Mapping[str, Any]) -> str | None:
    """One text from the facts in a commit; None for a commit that has no digest of its program.

    Trials with equal texts are equal to the last bit where their settings are.
    """
    if not about.get("source"):
        return None
    versions = about.get("versions") or {}
    device = about.get("device") or "cpu"
    return ", ".join(
        [
            f"program {about['source']}",
            f"python {about.get('python', '?')}",
            *(f"{name} {versions.get(name, '?')}" for name in ("torch", "numpy")),
            f"{about.get('cpu', '?')} with {about.get('instructions', '?')}",
            *([str(device)] if device != "cpu" else []),
        ]
    )


def mixed(rows: pd.DataFrame) -> str:
    """A clause on trials of several programs or machines; empty where there is only one."""
    known = rows["machine"].dropna() if "machine" in rows else pd.Series(dtype=object)
    counts = Counter(map(str, known))
    if len(counts) < 2:
        return ""
    shared = set.intersection(*(set(one.split(", ")) for one in counts))
    kinds = [
        f"{plural(count, 'trial')} by {', '.join(p for p in name.split(', ') if p not in shared)}"
        for name, count in sorted(counts.items())
    ]
    return (
        f"these trials mix {len(counts)} kinds of program or machine, which may give other "
        f"numbers: {listed(kinds, 4)}"
    )
