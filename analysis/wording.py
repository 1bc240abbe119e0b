"""Format numbers and names for sentences, in the terminal and in the report."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable

__all__ = [
    "listed",
    "model_name",
    "number",
    "percent",
    "plural",
    "post_hoc",
    "probability",
    "quantity",
    "setting",
    "share",
    "symbol",
    "trial_name",
]

MODEL_NAMES = {
    "sigma_vae": "σ-VAE",
    "alpha_vae": "α-VAE",
    "bernoulli_vae": "Bernoulli VAE",
    "noisy_vae": "VAE on noisy data",
    "deen": "DEEN",
    "uvb": "UVB",
    "dvae": "DVAE",
    "iwae": "IWAE",
    "diwae": "DIWAE",
}

SYMBOLS = {
    "d_z": "d_z",
    "lr": "learning rate",
    "data_split_seed": "split",
    "corruption_sigma": "corruption σ",
    "corruption_p": "corruption p",
}
QUANTITIES = {
    "kl": "KL",
    "recon": "reconstruction error",
    "elbo": "ELBO",
    "elbo_full": "full ELBO",
    "denoise": "denoising error",
    "denoise_one": "denoising error of one latent sample",
}


def symbol(name: str) -> str:
    """The letter of a hyperparameter: sigma -> σ, as of every name of a Greek letter."""
    try:
        return unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}")
    except KeyError:
        return SYMBOLS.get(name, name)


def model_name(model: object) -> str:
    """The display name of a model; an unknown model keeps its own name."""
    return MODEL_NAMES.get(str(model), str(model))


def trial_name(label: str) -> str:
    """A trial's label in a sentence: ``sigma_vae σ=0.06`` begins with σ-VAE."""
    model, *settings = label.split(" ", 1)
    return " ".join([model_name(model), *settings])


def setting(column: str, value: object) -> str:
    """``β = 4`` for a column and its value; ``no β`` where it is missing."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return f"no {symbol(column)}"
    if column == "model":
        return model_name(value)
    if isinstance(value, bool):
        return f"{symbol(column)} = {str(value).lower()}"
    shown = f"{value:.6g}" if isinstance(value, int | float) else str(value)
    return f"{symbol(column)} = {shown}"


def quantity(metric: str) -> str:
    """The name of a metric: test/kl -> test KL."""
    split, _, name = metric.rpartition("/")
    return " ".join(part for part in (split, QUANTITIES.get(name, name)) if part)


def number(value: float, digits: int = 3) -> str:
    """`value` to `digits` significant digits, without an exponent for values of normal size."""
    if not math.isfinite(value):
        return "not available"
    if value == 0 or 1e-4 <= abs(value) < 1e6:
        places = digits - 1 - (math.floor(math.log10(abs(value))) if value else 0)
        return f"{value:.{max(places, 0)}f}".replace("-", "−")
    return f"{value:.{digits - 1}e}".replace("-", "−")


def probability(p: float) -> str:
    """p = 0.031, or p = 8.5e-5, never p = 0."""
    if not math.isfinite(p):
        return "p not available"
    if p < 1e-300:
        return "p < 1e-300"
    text = f"{p:.3f}" if p >= 0.001 else f"{p:.1e}".replace("e-0", "e-")
    return f"p = {text}"


def share(value: float) -> str:
    """R² to three decimals; ``not available`` if it is NaN because all values are equal."""
    return f"{value:.3f}" if math.isfinite(value) else "not available"


def percent(level: float) -> str:
    return f"{100 * level:g} %"


def post_hoc(why: str) -> str:
    """``; post hoc: the range was chosen after the run``; nothing if all was declared before."""
    return f"; post hoc: {why}" if why else ""


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listed(items: Iterable[object], limit: int = 6) -> str:
    """The items as ``a, b and c``; of more than `limit`, the rest as a number."""
    texts = [f"{item:g}" if isinstance(item, float) else str(item) for item in items]
    if len(texts) > limit:
        return f"{', '.join(texts[:limit])} and {len(texts) - limit} more"
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
