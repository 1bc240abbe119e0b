"""The flat parameters of a trial, and a name that a person can read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from sweeper.grid.axes import DIGITS
from trainers.fields import describe_fields
from trainers.trial import Trial

__all__ = ["NESTED", "flat_key", "flat_params", "labels", "point_label"]

SYMBOLS = {"sigma": "σ", "alpha": "α", "beta": "β"}
ALWAYS = ("sigma", "alpha")
NESTED = ("corruption", "data")


def flat_key(part: str, field: str, taken: Container[str]) -> str:
    """What a field is called where parts are not nested: its own name, if no other has it."""
    return f"{part}_{field}" if part in NESTED or field in taken else field


def flat_params(model: str, trial: Trial) -> dict[str, Any]:
    """Everything that tables, fits and MLflow show of a trial, without nesting.

    Fields of `data` and `corruption` are called ``data_<field>`` and ``corruption_<field>``;
    fields that only say where something is found are left out.
    """
    params: dict[str, Any] = {"model": model}
    for part in trial.parts:
        component = getattr(trial, part)
        if component is None:
            continue
        if part != "training":
            params[part] = component.name
        for field in describe_fields(type(component)):
            value = getattr(component, field.name)
            if not field.where and value is not None:
                key = flat_key(part, field.name, params)
                params[key] = list(value) if isinstance(value, tuple) else value
    corrupts = {"corrupts": trial.corrupts} if trial.corrupts else {}
    return params | corrupts | {"seed": trial.seed}


def labels(trials: Sequence[Mapping[str, Any]], shown: Sequence[str] = ()) -> list[str]:
    """A label for each set of flat parameters, such as ``sigma_vae σ=0.12 β=4 seed=1``.

    Labels hold the scale, β where it is not 1, what is `shown` anyway, and the seed; and, for all
    trials of a model, whatever else is needed so that no two are alike.
    """
    models: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for params in trials:
        models[params["model"]].append(params)
    more = {model: _telling(group, shown) for model, group in models.items()}
    named = [_label(params, more[params["model"]]) for params in trials]
    if len(set(named)) == len(named):
        return named
    return [_label(params, more[params["model"]], DIGITS) for params in trials]


def point_label(label: str) -> str:
    """A label without its seed: the point of the grid that replicates share."""
    return label.rpartition(" seed=")[0]


def _telling(group: Sequence[Mapping[str, Any]], shown: Sequence[str]) -> list[str]:
    """The further parameters that tell trials of one model apart, no more than are needed."""
    keys = dict.fromkeys(key for params in group for key in params)
    chosen = list(shown)
    count = len({_label(params, chosen, DIGITS) for params in group})
    for key in keys:
        if count == len(group):
            break
        found = len({_label(params, [*chosen, key], DIGITS) for params in group})
        if found > count:
            chosen, count = [*chosen, key], found
    return chosen


def _label(params: Mapping[str, Any], more: Iterable[str], digits: int = 6) -> str:
    shown = [key for key in ALWAYS if key in params]
    if params.get("beta", 1) != 1:
        shown.append("beta")
    shown += [key for key in more if key in params and key not in shown]
    words = [f"{SYMBOLS.get(key, key)}={_value(params[key], digits)}" for key in shown]
    return " ".join([params["model"], *words, f"seed={params['seed']}"])


def _value(value: Any, digits: int) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
