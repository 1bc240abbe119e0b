"""The fitted laws: sentences, headline exponents, and the table of all their tests."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pandas as pd

from analysis.errors import AnalysisError
from analysis.figures.drawing.claims import Claim, interval
from analysis.figures.drawing.view import View
from analysis.laws.answer import law_answer
from analysis.laws.powerlaw import PowerLaw, fit
from analysis.laws.prediction import prediction
from analysis.laws.scaling import Scaling
from analysis.laws.sentences import law_doubts, law_shape, law_trained
from analysis.report.json_text import plain
from analysis.report.part import Block, Key, Part, Statement
from analysis.training.verdicts import CONVERGED
from analysis.wording import number, percent, quantity, symbol

__all__ = ["part"]

_CLAIMS = 6
_MANY = 4  # laws from which on a table tells more at a glance than their sentences


def part(view: View) -> Part:
    """The sentences, numbers and table of all laws; empty without trials."""
    trends = view.tested.trends
    said = [
        *(Statement(one.answer()) for one in trends),
        *(Statement(one.sentence(), detail=True) for one in trends if one.test),
        *_statements(view),
    ]
    return Part(
        order=20,
        statements=said if len(view.experiment.trials) else [],
        keys=[*_trend_keys(view.tested.trends), *_keys(view.claims)],
        blocks=list(_blocks(view)),
        numbers={
            "laws": [_json(claim) for claim in view.claims],
            "trends": [plain(one.to_json()) for one in view.tested.trends],
        },
        answer=_answer(view),
    )


def _blocks(view: View) -> Iterator[Block]:
    if view.claims:
        rows = [
            {
                "claim": claim,
                "law": claim.law,
                "interval": interval(claim.law) if claim.law else "",
                "training": _training(claim.law) if claim.law else "",
                "form": _rival(claim.law) if claim.law else "",
                "intervals": _intervals(claim.law) if claim.law else [],
                "words": _words(claim.law) if claim.law else [],
            }
            for claim in view.claims
        ]
        table = _frame(view.claims)
        folded = len(rows) < _MANY
        title = "All laws and their tests"
        yield Block("summary", "laws.html", title, rows, "laws", table, folded=folded)


def _answer(view: View) -> str:
    """The trend of ν over d_z, else the first law that was fitted, else why none could be."""
    found = [claim for claim in view.claims if claim.law is not None]
    if view.tested.trends:
        return view.tested.trends[0].answer()
    if not found:
        return next((_refused(claim, view.claims) for claim in view.claims), "")
    return _said(found[0], _name(found[0], found))


def _refused(claim: Claim, claims: Sequence[Claim]) -> str:
    """Why a law was not fitted, with the name of its models where others have laws, too."""
    return f"{claim.family.label}: " * (len(claims) > 1) + claim.refusal


def _name(claim: Claim, fitted: list[Claim]) -> str:
    """Before the sentence of a law, where others are fitted."""
    return f"{claim.family.label}: " * (len(fitted) > 1)


def _said(claim: Claim, name: str) -> str:
    """The law in one sentence; nothing if it has no exponent."""
    answer = law_answer(claim.law) if claim.law else ""
    return f"{name}{answer}" * bool(answer)


def _intervals(law: PowerLaw) -> list[tuple[str, float, float]]:
    """Method, low and high of each interval of ν, the one that the report quotes first.

    One seed has none that is quoted: then they are the diagnostics alone.
    """
    new = prediction(law)
    quoted = [law.exponent, *[law.exponent.alone] * (law.exponent.family > 1)]
    every = [*quoted * (not law.one_seed), *([new.nu] if new else []), *law.intervals]
    found: dict[tuple[float, float], str] = {}
    for one in every:
        if math.isfinite(one.low):
            found.setdefault((one.low, one.high), one.method)
    return [(method, *ends) for ends, method in found.items()]


def _words(law: PowerLaw) -> list[str]:
    """The sentences of a law, without the doubts that the page says above the table."""
    above = [text for text in law_doubts(law) if not text.startswith("Lack of fit")]
    return [text for text in law.sentences() if text not in above]


def _json(claim: Claim) -> dict[str, object]:
    found = plain(claim.law.to_json()) if claim.law else {"refusal": claim.refusal}
    return {"law": claim.name, "family": claim.family.label, **found}


def _frame(claims: Iterable[Claim]) -> pd.DataFrame:
    """Every law as one row of numbers; refused laws have their sentence."""
    return pd.DataFrame([_numbers(claim) for claim in claims])


def _numbers(claim: Claim) -> dict[str, object]:
    base: dict[str, object] = {"law": claim.name, "x": claim.x, "y": claim.y}
    law = claim.law
    if law is None:
        return base | {"refusal": claim.refusal}
    return base | {
        "nu": law.nu,
        "se": law.se,
        "ci_low": law.ci_low,
        "ci_high": law.ci_high,
        "p": law.p,
        "p_holm": law.p_holm,
        "x_min": law.x_min,
        "x_max": law.x_max,
        "n": law.n,
        "n_seeds": law.n_seeds,
        "r2": law.r2,
        "convergence": _training(law),
        "nu_drift": None if law.convergence is None else law.convergence.drift.value,
        "curvature": law.curvature,
        "curvature_p": law.curvature_p,
        "best_form": _rival(law),
    }


def _training(law: PowerLaw) -> str:
    return law.convergence.verdict if law.convergence else "unknown"


def _rival(law: PowerLaw) -> str:
    """The bent form that fits better than the power law, if one does."""
    return law.rival.name if law.rival and law.rival.delta_aicc < 0 else ""


def _shape(law: PowerLaw) -> str:
    after = _length(law)
    found = ["bends"] * law.bends + ["lack of fit"] * law.lacks
    if not found and law.shape_tested and law.claimed:
        found = ["no bend established"]
    return "; ".join([after, *found])


def _length(law: PowerLaw) -> str:
    """What training does not allow to be claimed, or after how many epochs ν still moves."""
    if not law.claimed:
        short = law.short.count if law.short and not law.untrained else "not trained"
        return f"; {short}, no claim"
    found = law.convergence
    moving = found is not None and found.verdict != CONVERGED
    return f"; {found.verdict} after {found.last} epochs" if found and moving else ""


def _keys(claims: Iterable[Claim]) -> Iterator[Key]:
    """The exponents of the first laws in each field."""
    seen: Counter[str] = Counter()
    for claim in claims:
        if claim.law is None or seen[claim.x] == _CLAIMS:
            continue
        seen[claim.x] += 1
        half = (claim.law.ci_high - claim.law.ci_low) / 2
        places = min(max(1 - math.floor(math.log10(half)), 2), 4) if half > 0 else 2
        spread = (
            f"95 %{_at_once(claim.law)}: {claim.law.ci_low:.{places}f} to "
            f"{claim.law.ci_high:.{places}f}{' of the points' * (claim.law.n_seeds < 2)}"
            if math.isfinite(half) and not claim.law.one_seed
            else "one seed"
            if claim.law.one_seed
            else "no interval"
        )
        yield Key(
            f"exponent ν in {symbol(claim.x)}, {claim.family.label}",
            f"{claim.law.nu:.{places}f}".replace("-", "−"),
            f"{spread}{_shape(claim.law)}".replace("-", "−"),
        )


def _trend_keys(trends: Iterable[Scaling]) -> Iterator[Key]:
    """How much ν changes where another hyperparameter doubles."""
    for one in trends:
        change, t = math.log(2), one.trend
        if math.isfinite(t.se):
            yield Key(
                f"change of ν where {symbol(one.over)} doubles{one.range}",
                number(change * t.value, 2),
                f"{percent(t.level)}{' at once' * (t.family > 1)}: {number(change * t.low, 2)} to "
                f"{number(change * t.high, 2)} ({one.test}){one.claim()}",
            )


def _at_once(law: PowerLaw) -> str:
    return " at once" * (law.exponent.family > 1)


def _statements(view: View) -> list[Statement]:
    fitted = [claim for claim in view.claims if claim.law is not None]
    found = [
        one
        for claim in view.claims[:_CLAIMS]
        for one in _law(claim, _name(claim, fitted), view.claims)
    ]
    if len(view.claims) > _CLAIMS:
        found.append(Statement(f"{len(view.claims) - _CLAIMS} more laws are in the table below."))
    if len(view.claims) >= _MANY:  # the table is open, and has them
        found = [replace(one, detail=one.detail or not one.warning) for one in found]
    refused = _declared_refused(view)
    if refused:
        found.append(Statement(refused, True))
    elif not view.claims and view.wants_law and (len(view.finished) or view.in_training.empty):
        found.append(
            Statement(
                "No law is fitted: no group of finished trials that differ in the "
                "noise level and the seed only has three noise levels.",
                True,
            )
        )
    return found


def _declared_refused(view: View) -> str:
    """Why the law that the grid declares has no family to be fitted to; nothing if it has one."""
    law = view.laws[0]
    if not view.asked or view.finished.empty or view.claims_of(law.x, law.y):
        return ""
    try:
        fit(view.finished, law)
    except AnalysisError as refusal:
        return (
            f"No law of {quantity(law.y)} against {symbol(law.x)}, which is the declared one: "
            f"{str(refusal).rstrip('.')}."
        )
    return ""


def _law(claim: Claim, name: str, claims: Sequence[Claim]) -> list[Statement]:
    """The law in one sentence, with every doubt that this lacks; then its tests in full."""
    if claim.law is None:
        return [Statement(_refused(claim, claims), True)]
    law, said, label = claim.law, claim.law.sentences(), claim.family.label
    few = [text for text in said[1:] if text.startswith("OLS over")]
    short, shape = _said(claim, name), law_shape(law)
    full = [" ".join([said[0], law_trained(law), *few]), *([shape] if shape else [])]
    doubts = law_doubts(law)
    more = " ".join(text for text in doubts if not text.startswith("Lack of fit"))
    lack = [text for text in doubts if text.startswith("Lack of fit")]
    return [
        *([Statement(short, not law.claimed, card=True)] if short else []),
        *([Statement(f"{label}: {more}", True)] if more else []),
        *(Statement(f"{label}: {text}", True, detail=True) for text in [*full, *lack]),
    ]
