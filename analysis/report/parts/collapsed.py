"""Trials whose posterior collapsed, and the noise where the linear theory predicts it."""

from __future__ import annotations

from analysis.figures.drawing.theory import collapse_sentence
from analysis.figures.drawing.view import View
from analysis.report.part import Part, Statement
from analysis.wording import listed, plural

__all__ = ["part"]

_COLLAPSED = 0.01  # nats an example


def part(view: View) -> Part:
    """A warning if a posterior collapsed or the linear theory predicts it; else nothing."""
    return Part(order=70, statements=_statements(view))


def _statements(view: View) -> list[Statement]:
    rows = view.finished
    found = []
    sentence = collapse_sentence(view, rows)
    if sentence and "must" in sentence:
        found.append(Statement(sentence, True))
    if "test/kl" in rows:
        gone = rows[rows["test/kl"] < _COLLAPSED]
        if len(gone):
            found.append(
                Statement(
                    f"The posterior has collapsed (KL below {_COLLAPSED:g} nats/example) in "
                    f"{plural(len(gone), 'trial')}: {listed(gone['label'], 3)}.",
                    True,
                )
            )
    return found
