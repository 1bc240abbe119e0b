"""Train one pack of imaginary-noise models: likelihoods, objectives, networks, data, samplers.

Five lines are enough:

>>> from trainers import Trial, Training, train
>>> from trainers.datasets.digits import Digits
>>> from trainers.likelihoods.gaussian import Gaussian
>>> from trainers.networks.conv import Conv
>>> from trainers.objectives.elbo import Elbo
>>> trained = train(
...     Trial(
...         objective=Elbo(),
...         likelihood=Gaussian(sigma=0.1),
...         network=Conv(share_encoder=True),
...         data=Digits(),
...         training=Training(epochs=1),
...     )
... )
>>> sorted(trained.records[-1].metrics)[:3]
['test/denoise', 'test/elbo', 'test/elbo_full']

Each name is imported when it is first used: what reads stored results needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainers.errors import TrainerError
    from trainers.loop import Trained, train
    from trainers.pack import Pack
    from trainers.record import Record
    from trainers.trial import Training, Trial

__all__ = ["Pack", "Record", "Trained", "TrainerError", "Training", "Trial", "train"]

_MODULES = {
    "Pack": "pack",
    "Record": "record",
    "Trained": "loop",
    "TrainerError": "errors",
    "Training": "trial",
    "Trial": "trial",
    "train": "loop",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name in _MODULES:
        return getattr(importlib.import_module(f"trainers.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
