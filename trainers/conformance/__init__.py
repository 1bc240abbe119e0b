"""What every component must do, of the package or the user's own: one rule a function.

A rule takes a data set, a small trial, or a trial with a question to its model, and raises
`BrokenRule` where it does not hold. The tests apply all rules to all components of the package,
`sweeper check` to those in a file of the user's own, and `sweeper plan` those that cost little.
"""

from __future__ import annotations

from trainers.errors import TrainerError

__all__ = ["BrokenRule", "require"]


class BrokenRule(TrainerError):
    """A rule that a component breaks: the rule, the value that was found, and the remedy.

    `part` is the part of the trial that is at fault, such as ``"objective"``, and `member` its
    method or field.
    """

    def __init__(self, where: tuple[str, str], rule: str, value: str, remedy: str) -> None:
        super().__init__(f"{rule}, and {value}; {remedy}")
        self.part, self.member = where


def require(holds: bool, where: tuple[str, str], rule: str, value: str, remedy: str) -> None:
    """Raise `BrokenRule` for the part and the member `where` unless it `holds`."""
    if not holds:
        raise BrokenRule(where, rule, value, remedy)
