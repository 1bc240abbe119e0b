"""The errors that `trainers` raises for a user; each message states the rule and the remedy."""

from __future__ import annotations

__all__ = [
    "BrokenComponent",
    "DataError",
    "Incompatible",
    "InvalidValue",
    "NewerFormat",
    "ResumeError",
    "TrainerError",
    "UnknownName",
    "printable",
]


def printable(text: str) -> str:
    """The text with escapes for what no file takes: bytes of a name that is not UTF-8."""
    return text.encode(errors="backslashreplace").decode()


class TrainerError(Exception):
    """Base of all errors that `trainers` raises on purpose."""


class BrokenComponent(TrainerError, ImportError):
    """A component's file that cannot be imported, or breaks a rule; `file` and `line` say where.

    They are None where the message says it.
    """

    def __init__(self, message: str, file: str | None = None, line: int | None = None) -> None:
        super().__init__(message)
        self.file, self.line = file, line


class UnknownName(TrainerError, KeyError):
    """A name that is not in the registry."""

    def __str__(self) -> str:
        return str(self.args[0])


class InvalidValue(TrainerError, ValueError):
    """A hyperparameter outside its bounds."""


class Incompatible(TrainerError, ValueError):
    """Components that cannot be combined; the message gives the reason and what can be used."""


class DataError(TrainerError, OSError):
    """A data set that is missing, truncated, or has other content than its name says."""


class ResumeError(TrainerError, RuntimeError):
    """A checkpoint from which a trial cannot continue: damaged, or of another trial."""


class NewerFormat(TrainerError):
    """A stored file whose format only a newer version of the program reads."""
