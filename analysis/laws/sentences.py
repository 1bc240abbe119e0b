"""What a law's numbers allow one to say."""

from __future__ import annotations

import math
from dataclasses import asdict

from analysis.laws.evidence import Evidence
from analysis.wording import listed, number, percent, plural, probability, quantity, share, symbol

__all__ = ["law_doubts", "law_json", "law_sentence", "law_sentences"]

ENOUGH = 6  # values of x below which an AIC of four parameters says nothing


def law_sentence(law: Evidence) -> str:
    return " ".join(law_sentences(law))


def law_sentences(law: Evidence) -> list[str]:
    """The exponent, the bend, the rivals, the lack of fit, influence and what was left out."""
    said = [_exponent(law), _worth(law), _bend(law), _rivals(law), _lack(law), _leverage(law)]
    return [text for text in said if text] + [f"Note: {note}." for note in law.notes]


def law_doubts(law: Evidence) -> list[str]:
    """What speaks against the law, besides a bend, or for fewer rows than a reader would think.

    A rival that fits better, a lack of fit, an x that moves the exponent, and every note.
    """
    best = min(
        (form.delta_aicc for form in law.forms if math.isfinite(form.delta_aicc)), default=0.0
    )
    lack = law.lack is not None and law.lack.p < 1 - law.exponent.level
    said = [_rivals(law) * (best < -2), _lack(law) * lack, _leverage(law)]
    return [text for text in said if text] + [f"Note: {note}." for note in law.notes]


def _exponent(law: Evidence) -> str:
    x, seeds = symbol(law.law.x), f" of {plural(law.n_seeds, 'seed')}" if law.n_seeds > 1 else ""
    sign, nu = ("−", law.nu) if law.nu >= 0 else ("", -law.nu)
    if not math.isfinite(nu):
        return ""
    return (
        f"{_claim(law, f'{x}^{sign}ν')} with ν = {_exact(law.nu, law.se)} ± "
        f"{number(law.se, 2)} "
        f"({percent(law.exponent.level)} {law.exponent.method}{seeds}: "
        f"{_exact(law.ci_low, law.se)} to {_exact(law.ci_high, law.se)}; "
        f"{probability(law.p)}) for {x} from {law.x_min:g} to {law.x_max:g}, "
        f"n = {law.n}, R² = {share(law.r2)}."
    )


def _claim(law: Evidence, power: str) -> str:
    y = quantity(law.law.y)
    if not law.p < 1 - law.exponent.level:
        return f"That {y} depends on {symbol(law.law.x)} is not established: {power}"
    return f"{y} follows{', on average over the range,' * law.bends} {power}"


def _exact(value: float, se: float) -> str:
    """As many decimals as the standard error has, plus one."""
    if not (math.isfinite(se) and se > 0 and math.isfinite(value)):
        return number(value, 4)
    places = min(max(1 - math.floor(math.log10(se)), 1), 6)
    return f"{value:.{places}f}".replace("-", "−")


def _worth(law: Evidence) -> str:
    if law.n_seeds == 1:
        return (
            "With one seed the interval says how straight the points are, not what another "
            "seed would give."
        )
    if law.n_seeds < 5:
        return (
            f"With {plural(law.n_seeds, 'seed')} the interval is honest but wide; five seeds "
            "are the default."
        )
    return ""


def _bend(law: Evidence) -> str:
    if not math.isfinite(law.curvature_p):
        return "A bend cannot be tested with fewer than four values of x."
    told = f"quadratic coefficient {number(law.curvature)}, {probability(law.curvature_p)}"
    if not law.bends:
        return f"A bend is not established ({told}); that is no proof of a straight line."
    aic = law.curvature_delta_aic
    if len(set(law.x)) >= ENOUGH and math.isfinite(aic):
        told += f", AIC {'lower' if aic < 0 else 'higher'} by {number(abs(aic))}"
    way = "steeper" if (law.curvature < 0) == (law.nu >= 0) else "flatter"
    ends = (
        f": the local exponent goes from {number(law.local[0].nu)} to {number(law.local[-1].nu)}"
        if law.local
        else ""
    )
    return (
        f"The pure power law is rejected in favour of a bend ({told}); it is {way} at larger "
        f"{symbol(law.law.x)}{ends}."
    )


def _rivals(law: Evidence) -> str:
    """Forms within 2 units of AICc are not told apart (Burnham and Anderson 2002)."""
    known = [form for form in law.forms if math.isfinite(form.delta_aicc)]
    if len(known) < 2:
        return ""
    more = [form.name for form in law.forms if not math.isfinite(form.delta_aicc)]
    judged = "By AICc" + (
        f" ({listed(more)} would take more values of {symbol(law.law.x)})" if more else ""
    )
    best = min(known, key=lambda form: form.delta_aicc)
    if best.delta_aicc < -2:
        return (
            f"{judged} the {best.name} fits better than the power law ({number(best.delta_aicc)})."
        )
    near = [form.name for form in known if form.name != "power" and form.delta_aicc < 2]
    if near:
        return f"{judged} the power law is not told apart from the {listed(near)}."
    second = min(
        (form for form in known if form.name != "power"), key=lambda form: form.delta_aicc
    )
    return (
        f"{judged} no rival form is better; the nearest is the {second.name} "
        f"(+{number(second.delta_aicc)})."
    )


def _lack(law: Evidence) -> str:
    if law.lack is None:
        return ""
    told = f"F = {number(law.lack.f)} with {law.lack.df[0]} and {law.lack.df[1]} df"
    told += f", {probability(law.lack.p)}"
    if law.lack.p < 1 - law.exponent.level:
        return f"Lack of fit: the points leave the line by more than repetitions scatter ({told})."
    return f"Lack of fit is not established, which does not prove that the line is right ({told})."


def _leverage(law: Evidence) -> str:
    far = [i for i in law.influence if abs(i.shift) > 2]
    if not far:
        return ""
    return (
        f"ν moves by more than two standard errors without {symbol(law.law.x)} = "
        f"{listed(i.x for i in far)}."
    )


def law_json(law: Evidence) -> dict[str, object]:
    """All numbers of a law as plain JSON values."""
    return {
        "x": law.law.x,
        "y": law.law.y,
        "range": [law.x_min, law.x_max],
        "where": {
            name: value if isinstance(value, str | int | float | list) else str(value)
            for name, value in law.law.where.items()
        },
        "nu": _plain(law.nu),
        "se": _plain(law.se),
        "ci_low": _plain(law.ci_low),
        "ci_high": _plain(law.ci_high),
        "p": _plain(law.p),
        "df": _plain(law.exponent.df),
        "level": law.exponent.level,
        "interval": law.exponent.method,
        "intercept": law.intercept,
        "r2": _plain(law.r2),
        "n": law.n,
        "n_seeds": law.n_seeds,
        "curvature": _plain(law.curvature),
        "curvature_p": _plain(law.curvature_p),
        "curvature_delta_aic": _plain(law.curvature_delta_aic),
        "bends": law.bends,
        "exponential_delta_aicc": _plain(law.exponential_delta_aicc),
        "forms": [form.to_json() for form in law.forms],
        "lack_of_fit": None if law.lack is None else asdict(law.lack),
        "intervals": [interval.to_json() for interval in law.intervals],
        "influence": [_row(asdict(i)) for i in law.influence],
        "local": [_row(asdict(i)) for i in law.local],
        "notes": list(law.notes),
        "sentence": law_sentence(law),
    }


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _row(values: dict[str, float]) -> dict[str, float | None]:
    return {name: _plain(value) for name, value in values.items()}
