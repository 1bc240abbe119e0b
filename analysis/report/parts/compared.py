"""Every pair of models at the settings that they share, or of corruptions of one model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from analysis.comparisons.comparison import Comparison
from analysis.figures.drawing.view import View
from analysis.report.json_text import plain
from analysis.report.part import Block, Part, Statement
from analysis.training.verdicts import DRIFTING, OPEN, UNTRAINED
from analysis.wording import model_name, plural, quantity, setting, symbol

__all__ = ["Compared", "part", "shown"]

_SHOWN = 60
_UNITS = {
    "test/denoise": "data units²/example, at each model’s own noise (0.1 where it has none)",
    "test/elbo_full": "nats/example, on the test set; more is better",
}


@dataclass(frozen=True)
class Compared:
    """The comparisons by one field; empty if no two share a setting.

    noise: what to say of the noise of models that are compared; no table of runs has any.
    """

    found: Sequence[Comparison] = field(default_factory=tuple)
    by: str = "model"
    noise: str = " at equal noise"

    @property
    def kinds(self) -> str:
        return "models" if self.by == "model" else f"values of {symbol(self.by)}"

    @property
    def subject(self) -> str:
        """The metric's name, without where it was measured."""
        name = quantity(self.found[0].metric).removeprefix("test ")
        return name[0].upper() + name[1:]

    @property
    def statements(self) -> list[Statement]:
        tested = [one for one in self.found if one.claims]
        short = [one.training for one in self.found if one.training.verdict == UNTRAINED]
        if not tested:
            no = short[0].remark if len(self.found) == 1 else self._none(len(short))
            return [Statement(f"{self.subject} of {self.kinds}: {no}.", True)] if short else []
        differ = sum(one.verdict == "differ" for one in tested)
        also = "; models differ in more than their kind, as the table says" * any(
            one.also for one in tested
        )
        found = f"{_part(differ, tested)} differ{'s' * (differ == 1)}" if differ else ""
        if len(tested) == 1:
            found = "the two differ" * differ
        found = found or (
            "none is shown to differ" if len(tested) > 1 else "no difference is shown"
        )
        noise = self.noise * (self.by == "model")
        return [
            Statement(
                f"{self.subject}: {plural(len(tested), 'comparison')} between "
                f"{self.kinds}{noise}; {found} (Holm, 5 %){also}{self._training(tested)}."
            )
        ]

    def _none(self, short: int) -> str:
        """Why nothing is claimed of several comparisons, of which so many are not trained."""
        count, others = len(self.found), ", and the others have no interval"
        has = "have" if short > 1 else "has"
        return (
            f"no claim, for {short} of {plural(count, 'comparison')} {has} trials that are not "
            f"trained{others * (short < count)}"
        )

    def _training(self, tested: Sequence[Comparison]) -> str:
        """What training takes from these comparisons, and how many it forbids."""
        left = len(self.found) - len(tested)
        if len(self.found) == 1 and tested[0].training.remark:
            return f"; {tested[0].training.remark}"
        verdicts = [one.training.verdict for one in tested]
        counts = {one: verdicts.count(one) for one in (DRIFTING, OPEN)}
        moving = [f"{one} in {_part(n, tested)}" for one, n in counts.items() if n]
        said = f"; trials are {' and '.join(moving)}" if moving else ""
        said += "; training length unknown" if None in verdicts else ""
        return said + (f"; nothing is claimed of {left} more" if left else "")

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {
                    "first": _model(one.groups[0]),
                    "second": _model(one.groups[1]),
                    "at": _at(one),
                    "difference": one.difference.value,
                    "low": one.difference.low,
                    "high": one.difference.high,
                    "design": one.design,
                    "effect": one.effect.value,
                    "p_holm": one.p_holm,
                    "verdict": one.verdict,
                    "training": one.training.verdict or "unknown",
                    "also_differ": ", ".join(one.also),
                    "sentence": one.sentence(),
                }
                for one in self.found
            ]
        )


def _part(count: int, of: Sequence[object]) -> str:
    return "all of them" if count == len(of) > 1 else f"{count} of them"


def part(view: View) -> Part:
    """The pairs that differ, and the table of all pairs."""
    found = [Compared(every, by) for by, every in view.tested.compared.items()]
    return shown(*found or [Compared()])


def shown(*compared: Compared) -> Part:
    """What the summary and the page say of comparisons, by one field or by several."""
    return Part(
        order=50,
        statements=[said for one in compared for said in one.statements],
        blocks=[block for at, one in enumerate(compared) for block in _blocks(one, at)],
        numbers={"compared": [plain(pair.to_json()) for one in compared for pair in one.found]},
        answer=next((said.text for one in compared for said in one.statements), ""),
    )


def _blocks(compared: Compared, at: int) -> Iterator[Block]:
    """The table; each has a file of its own."""
    if compared.found:
        yield Block(
            "compare",
            "compared.html",
            f"{compared.subject} of every pair of {compared.kinds}",
            {
                "rows": [_row(one) for one in compared.found[:_SHOWN]],
                "unit": _UNITS.get(compared.found[0].metric, compared.found[0].metric),
                "count": len(compared.found),
            },
            f"compared_{at + 1}" if at else "compared",
            compared.table,
        )


def _row(one: Comparison) -> dict[str, object]:
    return {
        "comparison": one,
        "models": [_model(group) for group in one.groups],
        "at": _at(one),
        "tested": not one.untested,
        "training": one.training.verdict or "training unknown",
    }


def _model(label: str) -> str:
    return model_name(label.removeprefix("model = "))


def _at(one: Comparison) -> str:
    return ", ".join(setting(name, value) for name, value in one.setting.items()) or "all"
