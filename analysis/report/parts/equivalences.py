"""The equivalence verdicts of an experiment, as sentences, a table and numbers."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from analysis.equivalence import (
    DIFFERENT,
    EQUIVALENT,
    UNDECIDED,
    UNUSABLE,
    AlgebraVerdict,
    CollapseVerdict,
    Examined,
    SeedVerdict,
    Tost,
    TwinVerdict,
    Verdict,
)
from analysis.equivalence.algebra import deviating
from analysis.equivalence.verdict import AGREE, ALIKE, ALPHA, UNKNOWN, divided, missing
from analysis.figures.drawing.view import View
from analysis.report.json_text import plain
from analysis.report.part import Block, Key, Part, Statement
from analysis.training.verdicts import UNTRAINED
from analysis.wording import listed, number, plural, post_hoc, quantity, symbol, trial_name

__all__ = ["Equivalences", "blocks", "part"]

LEVELS = {
    "algebra": "same parameters",
    "twins": "same seed, whole run",
    "seeds": "disjoint seeds (TOST)",
    "collapse": "one curve for all β (TOST)",
}
_SENTENCES = 4
_ORDER = (EQUIVALENT, ALIKE, AGREE, UNUSABLE, UNTRAINED, UNDECIDED, DIFFERENT)


@dataclass(frozen=True)
class Equivalences:
    """The verdicts of each level as sentences, a table and headline numbers."""

    found: Examined = field(default_factory=Examined)

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why a level has no verdict, and which models have no aliases."""
        told = [
            f"Equivalence ({LEVELS[level]}) has no verdict: {reason.rstrip('.')}."
            for level, reason in self.found.refusals.items()
        ]
        return (*told, *([f"Equivalence: {self.found.note}."] if self.found.note else []))

    @property
    def statements(self) -> list[Statement]:
        levels = dict(self.found.verdicts)
        proven = _proven(levels.get("algebra", ()), levels.get("twins", ()))
        if proven:
            levels |= {"algebra": (), "twins": ()}
        said = [one for level, verdicts in levels.items() for one in _said(level, verdicts)]
        warned = [Statement(text, True) for text in self.refusals]
        return [*([Statement(proven)] if proven else []), *said, *warned]

    @property
    def keys(self) -> Iterator[Key]:
        """How many pairs of settings are equivalent, by the strongest level that was tested.

        Independent seeds are stronger evidence than twins, and twins than their objectives.
        """
        verdicts = dict(self.found.verdicts)
        if _proven(verdicts.get("algebra", ()), verdicts.get("twins", ())):
            verdicts |= {"algebra": ()}  # the same is said of their whole runs
        level = next((one for one in ("seeds", "twins", "algebra") if verdicts.get(one)), None)
        told = "; ".join(
            f"{LEVELS[level].split(' (')[0]}: {_counts(every)}"
            for level, every in verdicts.items()
            if every
        )
        if level is not None:
            pairs = _pairs(verdicts[level])
            same = sum(one == EQUIVALENT for one in pairs.values())
            yield Key("pairs of twins found equivalent", f"{same} of {len(pairs)}", told)

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {
                    "level": level,
                    "compared": _compared(one),
                    "found": _found(one),
                    "verdict": one.verdict,
                    "apart": _apart(one),
                    "p_holm": getattr(one, "p_holm", math.nan),
                    "needs_more_seeds": getattr(one, "needs", None),
                    "if_equal": getattr(one, "if_equal", None),
                    "seeds_shared": getattr(one, "dealt", False),
                    "sentence": one.sentence(),
                }
                for level, verdicts in self.found.verdicts.items()
                for one in verdicts
            ]
        )


def part(view: View) -> Part:
    """The sentences, numbers and table on pairs of settings that should be equivalent."""
    found = Equivalences(view.tested.examined)
    verdicts = [one for level in found.found.verdicts.values() for one in level]
    numbers = {
        "margin": view.margin,
        "refusals": list(found.refusals),
        "verdicts": [plain(one.to_json()) for one in verdicts],
    }
    if view.finished.empty:
        return Part(order=30, numbers={"equivalence": numbers})
    return Part(
        order=30,
        statements=found.statements,
        keys=list(found.keys),
        blocks=list(blocks(found)),
        numbers={"equivalence": numbers},
        answer=" ".join(one.text for one in found.statements[:1]) if verdicts else "",
    )


def _said(level: str, verdicts: Sequence[Verdict]) -> Iterator[Statement]:
    """Each verdict; or, for many of one level, how many there are of each kind."""
    if not verdicts:
        return
    if len(verdicts) > 1 and (together := _together(verdicts)):
        yield Statement(together)
        return
    if len(verdicts) <= _SENTENCES:
        for one in verdicts:
            tabled = level in ("seeds", "collapse")  # then the table is unfolded
            yield Statement(one.sentence(), one.verdict != EQUIVALENT, card=tabled)
        return
    pairs = _pairs(verdicts)
    same = set(pairs.values()) == {EQUIVALENT}
    told = (
        f"all {len(pairs)} pairs are equivalent"
        if same and len(pairs) > 1
        else "the pair is equivalent"
        if same
        else f"all {len(pairs)} pairs agree within the margin at the measured point"
        if len(pairs) > 1 and set(pairs.values()) == {AGREE}
        else f"of {plural(len(pairs), 'pair')}, {_tally(pairs.values())}"
    )
    if len(verdicts) > len(pairs):
        told += f" ({plural(len(verdicts), 'comparison')}, one a seed)"
    told += (
        divided(any(getattr(one, "dealt", False) for one in verdicts))
        + _unknown_training(verdicts)
        + _wanted(verdicts)
        + post_hoc(getattr(verdicts[0], "post_hoc", ""))
    )
    yield Statement(f"Equivalence, {LEVELS[level]}: {told}.", not same)


def _together(verdicts: Sequence[Verdict]) -> str:
    """One sentence on twins that all agree to the last bit, or whose objectives all do."""
    if _exact(verdicts):
        return (
            f"{plural(len(verdicts), 'pair')} of matched-seed twins agree to the last bit in KL "
            f"and recon over the whole run: equivalent ({_named(verdicts)})."
        )
    if not _proportional(verdicts):
        return ""
    return (
        f"On the same parameters the objectives of {plural(len(verdicts), 'pair')} are "
        f"proportional ({_most(verdicts)}): equivalent ({_named(verdicts)})."
    )


def _named(verdicts: Sequence[Verdict]) -> str:
    """The pairs of settings in a sentence."""
    return listed([" ↔ ".join(one.split("  ↔  ")) for one in _pairs(verdicts)], _SENTENCES)


def _proportional(verdicts: Sequence[Verdict]) -> bool:
    """Whether all are objectives that were found proportional."""
    return bool(verdicts) and all(
        isinstance(one, AlgebraVerdict) and one.verdict == EQUIVALENT for one in verdicts
    )


def _most(verdicts: Sequence[Verdict]) -> str:
    """The largest deviation of objectives from being proportional, in words."""
    return deviating(max(one.deviation for one in verdicts if isinstance(one, AlgebraVerdict)))


def _proven(objectives: Sequence[Verdict], runs: Sequence[Verdict]) -> str:
    """One sentence on twins of which both levels say that they are the same; else nothing."""
    if not _exact(runs) or not _proportional(objectives) or _pairs(objectives) != _pairs(runs):
        return ""
    return (
        f"Equivalent: {_named(runs)}. With matched seeds KL and recon agree to the last bit over "
        f"the whole run; the objectives are proportional ({_most(objectives)})."
    )


def _unknown_training(verdicts: Sequence[Verdict]) -> str:
    """That it is not known whether the pairs that were tested had converged."""
    tested = [one for one in verdicts if isinstance(one, SeedVerdict | CollapseVerdict)]
    unknown = any(one.training.verdict is None for one in tested if not one.reason)
    return f"; {UNKNOWN}" * unknown


def _wanted(verdicts: Sequence[Verdict]) -> str:
    """A phrase on how many more seeds each undecided pair needs if the two are equal."""
    left = [one for one in verdicts if one.verdict == UNDECIDED]
    seeds = [
        one.if_equal
        for one in left
        if isinstance(one, SeedVerdict | CollapseVerdict) and one.if_equal is not None
    ]
    if not left or len(seeds) < len(left):
        return ""
    more = missing(max(seeds), dealt=any(getattr(one, "dealt", False) for one in left))
    return (
        f"; with {more}, each undecided pair that is truly equal would be found so with a "
        "chance of at least 0.8"
    )


def _pairs(verdicts: Sequence[Verdict]) -> dict[str, str]:
    """The verdict on each pair of settings: the worst of its seeds' verdicts."""
    found: dict[str, str] = {}
    for one in verdicts:
        pair = re.sub(r" seed=\S+", "", _compared(one))
        found[pair] = max(found.get(pair, EQUIVALENT), one.verdict, key=_ORDER.index)
    return found


def _counts(verdicts: Sequence[Verdict]) -> str:
    return "equal to the last bit" if _exact(verdicts) else _tally(_pairs(verdicts).values())


def _tally(verdicts: Iterable[str]) -> str:
    counts = Counter(verdicts)
    return ", ".join(f"{counts[name]} {name}" for name in _ORDER if counts[name])


def _exact(verdicts: Sequence[Verdict]) -> bool:
    """Whether all are twins that agree to the last bit."""
    return bool(verdicts) and all(isinstance(one, TwinVerdict) and one.exact for one in verdicts)


def _compared(one: Verdict) -> str:
    if isinstance(one, TwinVerdict | SeedVerdict | AlgebraVerdict):
        return "  ↔  ".join(map(trial_name, one.labels))
    if isinstance(one, CollapseVerdict):
        of = f", {one.where}" if one.where else ""
        return f"all β of {quantity(one.y)} in {symbol(one.x)}{of}"
    return ""


def _found(one: Verdict) -> str:
    if isinstance(one, TwinVerdict):
        exact = "0, equal to the last bit" if one.exact else f"at most {one.difference:.1e}"
        return f"|Δ log|: {exact}, {one.steps} epochs" if one.n else "no history in common"
    if isinstance(one, AlgebraVerdict):
        return (
            f"objectives in the ratio {number(one.factor)}, to within {one.deviation:.1e} "
            "over the epochs"
        )
    if isinstance(one, SeedVerdict | CollapseVerdict) and one.reason:
        return one.reason
    if isinstance(one, SeedVerdict) and one.tests:
        return (
            "; ".join(
                f"Δ {'log ' * one.logs}{quantity(name)} {number(test.difference, 2)} "
                f"({_level(test)}: {number(test.low, 2)} to {number(test.high, 2)})"
                for name, test in one.tests.items()
            )
            + f"; {_arms(one)}"
        )
    if isinstance(one, CollapseVerdict) and one.test is not None and math.isfinite(one.delta):
        return (
            f"δ {number(one.delta, 2)} ({_level(one.test)}: {number(one.test.low, 2)} to "
            f"{number(one.test.high, 2)}), margin {number(one.margin, 2)}; {_arms(one)}"
        )
    return "too few seeds to test"


def _arms(one: SeedVerdict | CollapseVerdict) -> str:
    return f"{len(one.seeds[0])} and {len(one.seeds[1])} disjoint seeds"


def _level(test: Tost) -> str:
    return f"{100 - 200 * test.alpha:.3g} %"


def _levels(found: Examined) -> list[str]:
    """The levels of the intervals in per cent, ascending."""
    tests = [one for verdict in found.across for one in verdict.every_test]
    return [f"{level:.3g}" for level in sorted({100 - 200 * one.alpha for one in tests})]


def _apart(one: Verdict) -> float:
    """The distance between the two sides, by which tables are sorted in descending order."""
    if isinstance(one, TwinVerdict | AlgebraVerdict):
        return one.difference if isinstance(one, TwinVerdict) else one.deviation
    if isinstance(one, SeedVerdict):
        return max((abs(test.difference) for test in one.tests.values()), default=math.nan)
    return abs(one.delta) if isinstance(one, CollapseVerdict) else math.nan


def blocks(found: Equivalences, measures: str = "KL and reconstruction") -> Iterator[Block]:
    """The table of verdicts, and the sentences of the levels that refused.

    measures: the metrics that a pair is equivalent in, in words; nothing for one metric.
    """
    table = found.table
    if len(table):
        alpha = found.found.alpha
        content = {
            "rows": [_row(row) for _, row in _by_setting(table).head(200).iterrows()],
            "refusals": found.refusals,
            "tested": bool(set(table["level"]) - {"twins", "algebra"}),
            "margin": found.found.margin,
            "measures": measures,
            "logs": all(
                getattr(one, "logs", True) for one in found.found.verdicts.get("seeds", ())
            ),
            "alpha": alpha,
            "looked": alpha != ALPHA,
            "post_hoc": found.found.post_hoc,
            "dealt": bool(table["seeds_shared"].any()),
            "levels": _levels(found.found),
        }
        title = "Equivalence verdicts"
        yield Block(
            "summary",
            "equivalences.html",
            title,
            content,
            "equivalence",
            table,
            folded=not content["tested"],
        )
    elif found.refusals:
        yield Block("summary", "absent.html", content=found.refusals)


def _row(row: pd.Series) -> dict[str, object]:
    needs, if_equal = (
        int(n) if isinstance(n, int | float) and n == n else None
        for n in (row["needs_more_seeds"], row["if_equal"])
    )
    undecided = row["verdict"] == UNDECIDED and (needs, if_equal) != (None, None)
    return {
        "level": LEVELS[row["level"]],
        "compared": [one.strip() for one in row["compared"].split("↔")],
        "found": [one.strip() for one in row["found"].split(";")],
        "verdict": row["verdict"],
        "good": {EQUIVALENT: True, DIFFERENT: False}.get(row["verdict"]),
        "needs": missing(needs, if_equal, bool(row["seeds_shared"])) if undecided else "",
    }


def _by_setting(table: pd.DataFrame) -> pd.DataFrame:
    """One row, the worst, for all seeds of a pair of settings; the CSV file has each."""
    pair = table["compared"].str.replace(r" seed=\S+", "", regex=True)
    whole = table.assign(compared=pair).sort_values("apart", ascending=False, kind="stable")
    groups = whole.groupby(["level", "compared", "verdict"], sort=False)
    worst = groups.head(1).assign(n=groups["apart"].transform("size")).sort_index()
    found = [
        f"{plural(int(n), 'seed')}: {text}" if n > 1 else str(text)
        for n, text in zip(worst["n"], worst["found"], strict=True)
    ]
    return worst.assign(found=found)
