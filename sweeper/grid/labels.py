"""The flat parameters of a trial, and its label, a short readable name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.grid.axes import DIGITS
from sweeper.grid.complaints import letter
from sweeper.grid.models import model_name
from trainers.fields import describe_fields
from trainers.trial import Trial

__all__ = ["NESTED", "flat_key", "flat_params", "labels", "point_label"]

NESTED = ("corruption", "data")
SHORT = {"data_split_seed": "split"}


def flat_key(part: str, field: str, taken: Container[str]) -> str:
    """The name of a field among flat parameters: its own name, or ``<part>_<field>`` if taken."""
    return f"{part}_{field}" if part in NESTED or field in taken else field


def flat_params(trial: Trial) -> dict[str, Any]:
    """The parameters of a trial that tables, fits and MLflow show, without nesting.

    Fields of `data` and `corruption` are called ``data_<field>`` and ``corruption_<field>``;
    fields that only locate files are left out.
    """
    params: dict[str, Any] = {"model": model_name(trial)}
    for part in trial.parts:
        component = getattr(trial, part)
        if component is None:
            continue
        if part != "training":
            params[part] = component.name
        for field in describe_fields(type(component)):
            value = getattr(component, field.name)
            if not field.where and value is not None and not field.unsaid(value):
                key = flat_key(part, field.name, params)
                params[key] = list(value) if isinstance(value, tuple) else value
    corrupts = {"corrupts": trial.corrupts} if trial.corrupts else {}
    return params | corrupts | _own_code(trial) | {"seed": trial.seed}


def _own_code(trial: Trial) -> dict[str, str]:
    """The components of the user's own, each with the version of its file: ``bars 3f2a9c01``."""
    own = [
        f"{part.name} {part.code_sha256[:8]}"
        for part in trial.components()
        if hasattr(part, "code_sha256")
    ]
    return {"components": ", ".join(own)} if own else {}


def labels(
    trials: Sequence[Mapping[str, Any]], scales: Sequence[str | None], shown: Sequence[str] = ()
) -> list[str]:
    """A label for each set of flat parameters, such as ``sigma_vae σ=0.12 β=4 seed=1``.

    Labels hold the noise level, whose keys are `scales`, β if it is not 1, the parameters `shown`,
    and the seed; and, for all trials of a model, the further parameters that are needed to make
    every label unique.
    """
    named = [_Flat(*one) for one in zip(trials, scales, strict=True)]
    models: dict[str, list[_Flat]] = defaultdict(list)
    for one in named:
        models[one.params["model"]].append(one)
    more = {model: _telling(group, shown) for model, group in models.items()}
    found = [one.label(more[one.params["model"]]) for one in named]
    if len(set(found)) == len(found):
        return found
    return [one.label(more[one.params["model"]], DIGITS) for one in named]


def point_label(label: str) -> str:
    """A label without its seed, which all replicates of a point share."""
    return label.rpartition(" seed=")[0]


@dataclass(frozen=True)
class _Flat:
    """Flat parameters, and which of them is the noise level."""

    params: Mapping[str, Any]
    scale: str | None

    def label(self, more: Iterable[str], digits: int = 6) -> str:
        params = self.params
        shown = [self.scale] if self.scale else []
        if params.get("beta", 1) != 1:
            shown.append("beta")
        shown += [key for key in more if key in params and key not in shown]
        words = [f"{SHORT.get(key) or letter(key)}={_value(params[key], digits)}" for key in shown]
        return " ".join([params["model"], *words, f"seed={params['seed']}"])


def _telling(group: Sequence[_Flat], shown: Sequence[str]) -> list[str]:
    """The fewest further parameters that distinguish the trials of one model."""
    keys = dict.fromkeys(key for one in group for key in one.params)
    chosen = list(shown)
    count = len({one.label(chosen, DIGITS) for one in group})
    for key in keys:
        if count == len(group):
            break
        found = len({one.label([*chosen, key], DIGITS) for one in group})
        if found > count:
            chosen, count = [*chosen, key], found
    return chosen


def _value(value: Any, digits: int) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
