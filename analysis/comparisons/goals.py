"""By which metric settings are chosen, and which end of it is the good one."""

from __future__ import annotations

from typing import Literal

__all__ = ["SELECTION", "Mode", "beside", "better"]

Mode = Literal["min", "max"]
LARGER = ("elbo", "objective", "bounds", "accuracy", "certified")
SELECTION = "validation/elbo_full"


def better(metric: str) -> Mode:
    """Which end of a metric is the good one: max for bounds and accuracies, min for losses."""
    return "max" if any(part.startswith(LARGER) for part in metric.split("/")) else "min"


def beside(metric: str) -> str:
    """The metric of the test part that stands beside one of the validation part; else ""."""
    part, _, name = metric.partition("/")
    return f"test/{name}" if part == "validation" else ""
