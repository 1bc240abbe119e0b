"""Every number of the published tables, with the trials of ours that it corresponds to."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.published.catalogue import Published, about
from analysis.published.tables import table
from analysis.wording import model_name, symbol

__all__ = ["Cell", "cells"]

LATENTS = {"dvae": 1, "diwae": 5}
NONLINEARITY = {"diwae": "tanh", "iwae": "tanh"}
LAYER = 200
RUNS = 10  # of every mean in Im et al. 2017
CHANNELS = {"uvb": "[32, 64, 128]", "noisy_vae": "[32, 64, 128]", "deen": "[128, 256, 512]"}
UNITS = {"uvb": 200, "noisy_vae": 200, "deen": 100}
DECODERS: Mapping[str, dict[str, object]] = {  # hidden units
    "uvb": {"network_decoder": 2000},
    "noisy_vae": {"decoder": 2000},
}


def _column(name: str) -> Callable[[pd.DataFrame], pd.Series[float]]:
    return lambda rows: rows[name]


@dataclass(frozen=True)
class Cell:
    """One published number.

    name: what it is, in words. value, error: as printed; error is of the mean of `RUNS` runs,
    NaN if there is none.
    where: fields of our trials that are of this number. settings: those that should be equal.
    columns: what `ours`, the same quantity of each of our trials, is computed from.
    exact: whether it is a count, which no seed changes.
    beside: a metric that is not this number, with what it is: told beside it, never tested.
    """

    name: str
    value: float
    where: Mapping[str, object]
    columns: tuple[str, ...]
    ours: Callable[[pd.DataFrame], pd.Series[float]]
    error: float = math.nan
    settings: Mapping[str, object] = field(default_factory=dict)
    exact: bool = False
    beside: tuple[str, str] | None = None


def cells(name: str) -> list[Cell]:
    """The numbers of table `name`, in its order; UnknownName lists the known names."""
    entry = about(name)
    made = _MAKERS.get(name, _bounds)
    return [cell for row in table(name).itertuples() for cell in made(entry, row)]


def _curve(entry: Published, row: Any) -> Iterator[Cell]:
    assert entry.x is not None
    x, metric = float(getattr(row, entry.x)), str(entry.metric)
    where = {"model": entry.settings["model"], "data": entry.settings["data"], entry.x: x}
    label, value = _at(entry, row), float(getattr(row, str(entry.y)))
    yield Cell(label, value, where | {"beta": 1.0}, (metric,), _column(metric))


def _ratio(entry: Published, row: Any) -> Iterator[Cell]:
    where = {"model": "alpha_vae", "data": "mnist", "alpha": row.alpha, "beta": 1.0}
    columns = ("test/kl", "test/elbo")
    value = float(row.kl_over_elbo)
    yield Cell(_at(entry, row), value, where, columns, lambda r: r[columns[0]] / r[columns[1]])


def _parameters(entry: Published, row: Any) -> Iterator[Cell]:
    label = f"{entry.title}, {model_name(row.model)} on {row.data}"
    where = {"model": row.model, "data": row.data}
    made = _column("parameters")
    settings = _sizes(row.model)
    yield Cell(
        label, float(row.parameters), where, ("parameters",), made, math.nan, settings, exact=True
    )


def _losses(entry: Published, row: Any) -> Iterator[Cell]:
    """The loss; UVB's test loss is with one latent, and beside it the one averaged over more."""
    where = {"model": row.model, "data": entry.settings["data"], "sigma": row.sigma}
    if row.model == "uvb":
        where["decoder"] = getattr(row, "decoder", "gaussian")
    label = f"{_at(entry, row)}, {model_name(row.model)}, {row.split}"
    metric, beside = f"{row.split}/denoise", None
    if (row.model, row.split) == ("uvb", "test"):
        beside, metric = (metric, "with ∇f averaged over latents"), "test/denoise_one"
        label += " (one latent, as published)"
    ours, sizes = _column(metric), _sizes(row.model)
    yield Cell(label, float(row.loss), where, (metric,), ours, settings=sizes, beside=beside)


def _encoder(entry: Published, row: Any) -> Iterator[Cell]:
    label, where = f"{_at(entry, row)}, {model_name(row.model)}", _noisy(entry, row)
    ours, sizes = _column("test/kl"), _sizes(row.model)
    yield Cell(label, float(row.kl), where, ("test/kl",), ours, settings=sizes)


def _decoder(entry: Published, row: Any) -> Iterator[Cell]:
    label, where = f"{_at(entry, row)}, {model_name(row.model)}", _noisy(entry, row)
    twice, sizes = 2 * row.sigma**2, _sizes(row.model)
    value = float(row.recon_over_2sigma2)
    yield Cell(
        label, value, where, ("test/recon",), lambda r: r["test/recon"] / twice, settings=sizes
    )


def _noisy(entry: Published, row: Any) -> dict[str, object]:
    where = {"model": row.model, "data": entry.settings["data"], "sigma": row.sigma}
    if row.model == "uvb":
        return where | {"decoder": "gaussian"}
    return where | {"corruption": "gaussian", "corruption_sigma": row.sigma, "beta": 1.0}


def _bounds(entry: Published, row: Any) -> Iterator[Cell]:
    """A bound of Im et al. 2017: K latents of each of M corrupted views, with its constant."""
    assert entry.noise is not None
    model, k = row.model, getattr(row, "k", LATENTS.get(row.model, 1))
    where = {"model": model, "data": entry.settings["data"], "k": k, "m": getattr(row, "m", 1)}
    where |= {"network": entry.settings["network"], **_corruption(entry.noise, row)}
    layers, binarize = getattr(row, "layers", None), getattr(row, "binarize", None)
    said = [f"{entry.title}: {model_name(model)}", f"K = {k:g}"]
    if layers is not None:
        where["hidden"] = json.dumps([LAYER] * layers)
        said.append(f"{layers} hidden layers" if layers > 1 else "1 hidden layer")
    if binarize is not None:
        where["data_binarize"] = binarize
    said += [f"M = {row.m:g}"] if hasattr(row, "m") else []
    said += [f"at {row.noise_percent:g} %"] if "corruption" in where else ["augmented"]
    metric, sign = str(entry.metric), -1 if str(entry.y).startswith("negative") else 1
    yield Cell(
        ", ".join(said),
        float(getattr(row, str(entry.y))),
        where,
        (metric,),
        lambda rows: sign * rows[metric],
        float(getattr(row, "error", math.nan)),
        {"nonlinearity": NONLINEARITY.get(model, "softplus")},
    )


def _corruption(noise: tuple[str, str], row: Any) -> dict[str, object]:
    """At level 0 salt-and-pepper noise at rate 0; none for models that are not denoising."""
    kind, rate = noise
    if row.model not in LATENTS:
        return {}
    if not row.noise_percent:
        return {"corruption": "salt_and_pepper", "corruption_p": 0.0}
    return {"corruption": kind, rate: row.noise_percent / 100}


def _sizes(model: str) -> dict[str, object]:
    network = "conv_energy" if model == "deen" else "conv"
    sizes: dict[str, object] = {
        "network": network,
        "channels": CHANNELS[model],
        "fc": UNITS[model],
    }
    return sizes | DECODERS.get(model, {})


def _at(entry: Published, row: Any) -> str:
    x = entry.x or "sigma"
    return f"{entry.title} at {symbol(x)} = {getattr(row, x):g}"


_MAKERS: Mapping[str, Callable[[Published, Any], Iterator[Cell]]] = {
    "s1_table1": _curve,
    "s1_table2": _curve,
    "s1_table3": _curve,
    "s1_table4": _ratio,
    "s2_table1": _parameters,
    "s2_table2": _losses,
    "s2_table3": _losses,
    "s2_remark4": _losses,
    "s2_table4": _encoder,
    "s2_table5": _decoder,
}
