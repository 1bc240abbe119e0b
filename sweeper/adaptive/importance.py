"""How much each setting of a search's points matters to a goal."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["importances"]

FEWEST = 10  # points
WIDE = 30.0  # the ratio of largest and smallest value from which on the logarithm counts


def importances(
    points: Sequence[Mapping[str, Any]], values: Sequence[float], mode: Literal["min", "max"]
) -> dict[str, float]:
    """The share of each setting, the largest first, by Optuna's `get_param_importances`.

    It tells where the best tenth of the points lies apart from all of them (PED-ANOVA: Watanabe,
    Bansal and Hutter 2023, arXiv:2304.10255). points : the settings of each. mode : ``min`` or
    ``max``. Empty for fewer than ten points, or where no setting differs between them.
    """
    fields = {name: [point.get(name) for point in points] for point in points for name in point}
    spaces = {name: _space(found) for name, found in fields.items() if _differ(found)}
    if len(points) < FEWEST or not spaces:
        return {}
    import optuna  # slow to import

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of being experimental
        study = optuna.create_study(direction="minimize" if mode == "min" else "maximize")
        for point, value in zip(points, values, strict=True):
            chosen = {name: _plain(point.get(name), space) for name, space in spaces.items()}
            study.add_trial(
                optuna.trial.create_trial(params=chosen, distributions=spaces, value=value)
            )
        found = optuna.importance.get_param_importances(study)
    return {name: float(share) for name, share in found.items()}


def _differ(values: Sequence[Any]) -> bool:
    """Whether there are several; one may be a list, as the channels of a network are."""
    return len(set(map(str, values))) > 1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _space(values: Sequence[Any]) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if not all(map(_is_number, values)):
        return CategoricalDistribution(sorted(set(map(str, values))))
    low, high = min(values), max(values)
    return FloatDistribution(low, high, log=low > 0 and high / low >= WIDE)


def _plain(value: Any, space: BaseDistribution) -> Any:
    return str(value) if hasattr(space, "choices") else float(value)
