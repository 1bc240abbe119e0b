"""The hypothesis on ν that `sweeper fit --against` names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sweeper.errors import UserError

if TYPE_CHECKING:
    from analysis.laws.hypotheses import Against
    from analysis.laws.powerlaw import PowerLaw
    from analysis.sources.schema import Experiment, Spectrum

__all__ = ["against_of"]


def against_of(text: str, law: PowerLaw, experiment: Experiment | None = None) -> Against:
    """The test of ν that --against asks for; without an experiment there is no linear theory."""
    from analysis import published
    from analysis.laws import hypotheses
    from analysis.published.catalogue import TABLES
    from analysis.published.exponents import beside_published

    fitting = _same_quantity(law, experiment)
    if text == "published" and not fitting:
        raise UserError(_none_published(law))
    name = fitting[0] if text == "published" else text
    if name in TABLES:
        if name not in fitting:
            raise UserError(_another_quantity(name, law, fitting))
        beside = beside_published(law, published.law(name))
        said = (
            f"that of {name}{beside.range}, one curve, taken to scatter between seeds as this law "
            "does"
        )
        later = "the table was chosen after the run" * (not _reported(name, law, experiment))
        return beside.tested(said, later)
    if text == "linear" and experiment is not None:
        spectrum, d_z = _spectrum(law, experiment)
        value = hypotheses.linear_exponent(law, spectrum, d_z)
        return hypotheses.against(law, value, "that of the linear theory on these data")
    try:
        value = float(text)
    except ValueError as error:
        words = "published or linear" if experiment else "or published"
        raise UserError(
            f"--against takes a number, the name of a published table, {words}, not {text!r}"
        ) from error
    if not math.isfinite(value):
        raise UserError(f"--against takes a finite number, not {text}")
    later = "the value was given after the run"
    return hypotheses.against(law, value, f"{value:g}", later=later)


def _same_quantity(law: PowerLaw, experiment: Experiment | None) -> list[str]:
    """The published curves of the same x and y; a table of others' runs need not say its part."""
    from analysis.published.catalogue import TABLES
    from analysis.published.tables import CURVES

    def fits(metric: str) -> bool:
        return metric == law.law.y or (experiment is None and metric.endswith(f"/{law.law.y}"))

    return [one for one in CURVES if TABLES[one].x == law.law.x and fits(str(TABLES[one].metric))]


def _none_published(law: PowerLaw) -> str:
    from analysis.published.catalogue import TABLES
    from analysis.published.tables import CURVES

    known = (f"{name} ({TABLES[name].metric} against {TABLES[name].x})" for name in CURVES)
    return f"no published table has {law.law.y} against {law.law.x}; there are {', '.join(known)}"


def _another_quantity(name: str, law: PowerLaw, fitting: Sequence[str]) -> str:
    from analysis.published.catalogue import about

    title = about(name).title
    if not fitting:
        return f"{name} is of another quantity, {title}: {_none_published(law)}"
    return (
        f"{name} is of another quantity, {title}; of {law.law.y} against {law.law.x} there is "
        f"{', '.join(fitting)}"
    )


def _reported(name: str, law: PowerLaw, experiment: Experiment | None) -> bool:
    """Whether every report sets the law beside this table, so that to name it is no choice."""
    from analysis.laws.law import filtered
    from analysis.published.catalogue import about

    if experiment is None:
        return law.published
    models = filtered(experiment.trials, law.law)["model"].unique()
    return list(models) == [about(name).settings["model"]]


def _spectrum(law: PowerLaw, experiment: Experiment) -> tuple[Spectrum, int | None]:
    """The spectrum and d_z of the rows that the law was fitted to."""
    from analysis.laws.law import filtered

    rows = filtered(experiment.trials, law.law)
    found = experiment.spectra.get(str(rows["checksum"].iloc[0])) if "checksum" in rows else None
    if found is None:
        raise UserError("the spectrum of these data is not stored, so there is no linear theory")
    size = rows["d_z"].iloc[0] if "d_z" in rows else math.nan
    return found, int(size) if math.isfinite(size) else None
