"""What a law's numbers allow one to say."""

from __future__ import annotations

import math
from dataclasses import asdict

from analysis.laws.evidence import Evidence
from analysis.laws.trained_sentences import law_trained
from analysis.training.verdicts import CONVERGED
from analysis.wording import (
    listed,
    number,
    percent,
    plural,
    post_hoc,
    probability,
    quantity,
    share,
    symbol,
)

__all__ = ["law_doubts", "law_json", "law_sentence", "law_sentences", "law_shape", "law_trained"]

ENOUGH = 6  # values of x below which an AIC of four parameters says nothing


def law_sentence(law: Evidence) -> str:
    return " ".join(law_sentences(law))


def law_sentences(law: Evidence) -> list[str]:
    """The exponent, the shape, influence and what was left out.

    Of fewer than three seeds the shape is that of this run's curve, and nothing is concluded. Of
    a law that is not trained, or has trials that are not, the bend is said of the points, and
    the other tests as far as they speak against a line.
    """
    tests = [_rivals(law), _lack(law), _leverage(law)] if law.shape_tested else []
    worth = _worth(law) * (not law.untrained)
    checks = tests if law.claimed else _doubts(law)
    said = [_exponent(law), law_trained(law), worth, law_shape(law), *checks]
    return [text for text in said if text] + [f"Note: {note}." for note in law.notes]


def law_shape(law: Evidence) -> str:
    """The bend: tested over seeds, or described where there are too few of them."""
    if law.published:
        return _published_bend(law)
    return _bend(law) if law.shape_tested else _curve(law)


def law_doubts(law: Evidence) -> list[str]:
    """What speaks against the law, besides a bend, or for fewer rows than a reader would think.

    A rival form after a bend, a lack of fit, an x that moves the exponent, and every note.
    """
    return _doubts(law) + [f"Note: {note}." for note in law.notes]


def _doubts(law: Evidence) -> list[str]:
    """The checks besides the bend that speak against the law."""
    rival = law.rival is not None and law.rival.delta_aicc < 0
    said = [_rivals(law) * rival, _lack(law) * law.lacks, _leverage(law)]
    return [text for text in said if text]


def _exponent(law: Evidence) -> str:
    x = symbol(law.law.x)
    if not math.isfinite(law.nu):
        return ""
    interval = "" if law.one_seed else f" ({_interval(law)})"
    short = law.short.count if law.short and not law.untrained else ""
    return (
        f"{_claim(law, f'{x}^−ν')} with ν = {_exact(law.nu, law.se)}{interval} "
        f"for {x} from {law.x_min:g} to {law.x_max:g}, n = {law.n}, "
        f"R² = {share(law.r2)}{post_hoc(law.law.post_hoc)}"
        f"{f'; no law is claimed, for {short}' if short else ''}."
    )


def _interval(law: Evidence) -> str:
    """Of ν: over seeds, or of the points of a curve that has none; with p if all are trained."""
    of = f"of {plural(law.n_seeds, 'seed')}" if law.seed else "of the points of this curve"
    corrected = law.exponent.family > 1
    p = f"; {'Holm ' * corrected}{probability(law.corrected_p)} for ν = 0"
    return (
        f"{percent(law.exponent.level)} {law.exponent.alone.method} {of}{_at_once(law)}: "
        f"{_exact(law.ci_low, law.se)} to {_exact(law.ci_high, law.se)}{p * law.claimed}"
    )


def _at_once(law: Evidence) -> str:
    tests = law.exponent.family
    return f", simultaneous for {tests} tests" * (tests > 1)


def _claim(law: Evidence, power: str) -> str:
    """Only of a law that is known to be converged is it said that y follows it."""
    y, found = quantity(law.law.y), law.convergence
    if found is not None and law.untrained:
        why = "too few epochs were measured" if found.seldom else "training is too short"
        return f"No law is claimed, for {why}; its numbers: {power}"
    if law.short:
        after = f"After {plural(found.last, 'epoch')} the" if found else "The"
        return f"{after} fit of {y} to all trials is {power}"
    if not law.corrected_p < 1 - law.exponent.level:
        of_curve = f" by the points of this {_one(law)}" * (law.n_seeds == 1)
        return f"That {y} depends on {symbol(law.law.x)} is not established{of_curve}: {power}"
    if law.n_seeds == 1:
        return f"In this {_one(law)} {y} goes as {power}"
    if found is None:
        return f"As given, {y} goes as {power}"
    if found.verdict != CONVERGED:
        return f"After {found.last} epochs {y} goes as {power}"
    return f"{y} follows{', on average over the range,' * law.bends} {power}"


def _one(law: Evidence) -> str:
    return "published curve" if law.published else "run's curve" if law.seed else "one curve"


def _exact(value: float, se: float) -> str:
    """As many decimals as the standard error has, plus one."""
    if not (math.isfinite(se) and se > 0 and math.isfinite(value)):
        return number(value, 4)
    places = min(max(1 - math.floor(math.log10(se)), 1), 6)
    return f"{value:.{places}f}".replace("-", "−")


def _worth(law: Evidence) -> str:
    if law.one_seed and math.isfinite(law.ci_low):
        return (
            f"OLS over this run's points gives {_exact(law.ci_low, law.se)} to "
            f"{_exact(law.ci_high, law.se)} ({percent(law.exponent.level)}): how "
            "straight its curve is, not what another seed would give."
        )
    if law.n_seeds == 1:
        return (
            "Without seeds the interval says how straight the points are, not what another seed "
            "would give."
        )
    return ""


def _curve(law: Evidence) -> str:
    """The shape of one or two seeds, as a description."""
    if not math.isfinite(law.curvature):
        return ""
    seen = f", {_in_seeds(law)}" if law.law.x in ("sigma", "alpha") and _in_seeds(law) else ""
    return (
        f"The quadratic coefficient of this run's curve{'s' * (law.n_seeds > 1)} is "
        f"{number(law.curvature)}{seen}; a shape is tested from three seeds on."
    )


def _in_seeds(law: Evidence) -> str:
    """The bend in the scatter of seeds; empty where that was not measured (of laws in σ)."""
    scale = law.curvature_scale
    if scale is None:
        return ""
    other = " of the law in σ" * (law.law.x != "sigma")
    return (
        f"{number(law.curvature_sds, 2)} times the standard deviation between single seeds that "
        f"was measured{other} on {scale.data} ({scale.sd:g}, {scale.seeds} seeds)"
    )


def _published_bend(law: Evidence) -> str:
    if not math.isfinite(law.curvature_p):
        return _bend(law)
    if law.curvature_scale is None:
        return (
            f"The quadratic coefficient is {_told(law)}; how far seeds scatter in it "
            "is not known, so a bend is not established by this one curve."
        )
    end = (
        f"so the bend stands{_way(law)}."
        if law.bends
        else "so a bend is not established by this one curve."
    )
    return f"The quadratic coefficient is {_told(law)}; that is {_in_seeds(law)}, {end}"


def _bend(law: Evidence) -> str:
    if not math.isfinite(law.curvature_p):
        return "A bend cannot be tested with fewer than four values of x."
    told = f"quadratic coefficient {_told(law)}"
    if not law.claimed:
        return _bend_of_fit(law, told)
    found = law.convergence
    after = f" after {found.last} epochs" if found and found.verdict != CONVERGED else ""
    if not law.bends:
        return f"A bend is not established{after} ({told}); that is no proof of a straight line."
    return f"The pure power law is rejected{after} in favour of a bend ({told}){_way(law)}."


def _bend_of_fit(law: Evidence, told: str) -> str:
    """Of points that are no law, as some are not trained: whether they lie on a line."""
    if not law.bends:
        return f"The points show no bend ({told}); that is no proof of a straight line."
    return (
        f"The points bend ({told}){_way(law)}; whether the law does, or training is only too "
        "short, is not known."
    )


def _told(law: Evidence) -> str:
    """The quadratic coefficient, its p, and for a published curve what it gains in AIC."""
    holm, aic = "Holm " * (law.bend_holm is not None), law.curvature_delta_aic
    told = f"{number(law.curvature)}, {holm}{probability(law.curvature_p)}"
    if law.published and len(set(law.x)) >= ENOUGH and math.isfinite(aic):
        told += f", AIC {'lower' if aic < 0 else 'higher'} by {number(abs(aic))}"
    return told


def _way(law: Evidence) -> str:
    """Where the bent law is steeper, and its exponent at both ends."""
    way = "steeper" if (law.curvature < 0) == (law.nu >= 0) else "flatter"
    ends = (
        f": the local exponent goes from {number(law.local[0].nu, 4)} to "
        f"{number(law.local[-1].nu, 4)}"
        if law.local
        else ""
    )
    return f"; the curve is {way} at larger {symbol(law.law.x)}{ends}"


def _rivals(law: Evidence) -> str:
    """Which bent form is nearest to the mean curve, after the test over seeds has found one."""
    rival = law.rival
    if rival is None:
        return ""
    more = [form.name for form in law.forms if not math.isfinite(form.delta_aicc)]
    wants = f" ({listed(more)} would take more values of {symbol(law.law.x)})" if more else ""
    if rival.delta_aicc >= 0:
        return (
            f"No bent form fits the mean over seeds better{wants}; the nearest is the "
            f"{rival.name} (AICc +{number(rival.delta_aicc)})."
        )
    return (
        f"Of the bent forms the {rival.name} fits the mean over seeds best{wants}: AICc "
        f"{number(rival.delta_aicc)} against the power law."
    )


def _lack(law: Evidence) -> str:
    if law.lack is None:
        return ""
    told = f"Hotelling's F = {number(law.lack.f)} with {law.lack.df[0]} and {law.lack.df[1]} df"
    told += f", {'Holm ' * (law.lack_holm is not None)}{probability(law.lack_p)}"
    if law.lacks:
        return f"Lack of fit: the points leave line and bend by more than seeds scatter ({told})."
    return (
        "Lack of fit besides a bend is not established, which does not prove that there is "
        f"none ({told})."
    )


def _leverage(law: Evidence) -> str:
    if not law.moved:
        return ""
    most = max(law.moved, key=lambda one: abs(one.shift))
    return (
        f"ν moves most without {symbol(law.law.x)} = {most.x:g}, to {number(most.nu, 4)} "
        f"({probability(most.p_holm)} by the t test over seeds, Holm)."
    )


def law_json(law: Evidence) -> dict[str, object]:
    """All numbers of a law as plain JSON values."""
    return {
        "x": law.law.x,
        "y": law.law.y,
        "range": [law.x_min, law.x_max],
        "post_hoc": law.law.post_hoc,
        "where": {name: _jsonable(value) for name, value in law.law.where.items()},
        "nu": _plain(law.nu),
        "se": _plain(law.se),
        "ci_low": _plain(law.ci_low),
        "ci_high": _plain(law.ci_high),
        "p": _plain(law.p),
        "p_holm": None if law.p_holm is None else _plain(law.p_holm),
        "alone": law.exponent.alone.to_json(),
        "df": _plain(law.exponent.df),
        "level": law.exponent.level,
        "interval": law.exponent.method,
        "intercept": law.intercept,
        "r2": _plain(law.r2),
        "n": law.n,
        "n_seeds": law.n_seeds,
        "curvature": _plain(law.curvature),
        "curvature_p": _plain(law.bend_p),
        "curvature_p_holm": None if law.bend_holm is None else _plain(law.bend_holm),
        "curvature_delta_aic": _plain(law.curvature_delta_aic),
        "bends": law.bends,
        "shape_tested": law.shape_tested,
        "curvature_seed_sds": _plain(law.curvature_sds),
        "rival": None if law.rival is None else law.rival.name,
        "exponential_delta_aicc": _plain(law.exponential_delta_aicc),
        "forms": [form.to_json() for form in law.forms],
        "lack_of_fit": None if law.lack is None else asdict(law.lack),
        "lack_of_fit_p_holm": None if law.lack_holm is None else _plain(law.lack_holm),
        "intervals": [interval.to_json() for interval in law.intervals],
        "influence": [_row(asdict(i)) for i in law.influence],
        "local": [_row(asdict(i)) for i in law.local],
        "notes": list(law.notes),
        "convergence": None if law.convergence is None else law.convergence.to_json(),
        "sentence": law_sentence(law),
    }


def _jsonable(value: object) -> object:
    return value if isinstance(value, str | int | float | list) else str(value)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _row(values: dict[str, float]) -> dict[str, float | None]:
    return {name: _plain(value) for name, value in values.items()}
