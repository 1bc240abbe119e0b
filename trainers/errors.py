"""The errors that a user of `trainers` can meet; each message gives the rule and the remedy."""

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
]


class TrainerError(Exception):
    """Base of all errors that `trainers` raises on purpose."""


class BrokenComponent(TrainerError, ImportError):
    """A file in a folder of components that cannot be imported."""


class UnknownName(TrainerError, KeyError):
    """A name that no registry knows."""

    def __str__(self) -> str:
        return str(self.args[0])


class InvalidValue(TrainerError, ValueError):
    """A hyperparameter outside its bounds."""


class Incompatible(TrainerError, ValueError):
    """Components that cannot be combined, with the reason and what would work."""


class DataError(TrainerError, OSError):
    """A data set that is missing, truncated or not what its name says."""


class ResumeError(TrainerError, RuntimeError):
    """A checkpoint that does not belong to the trial that wants to go on from it."""


class NewerFormat(TrainerError):
    """A stored file of a format that only a newer version reads."""
