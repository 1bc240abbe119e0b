"""Laws, equivalences and comparisons from finished sweeps: tidy frames in, tested claims out.

From a sweep to its claims, in a notebook::

    from pathlib import Path
    from analysis import Law, compare_all, equivalence, fit, judged, load, report

    experiment = judged(load.from_storage(Path("sweeps"), "imaginary-noise"))
    law = Law("sigma", "test/kl", where={"model": "sigma_vae"})
    print(fit(experiment.trials, law, history=experiment.history).sentence())
    print(compare_all(experiment.trials, "sigma", ["test/kl"])[0].sentence())
    print(*(one.sentence() for one in equivalence.across_seeds(experiment.trials, margin=0.10)))
    report.write(experiment, Path("report"))

`load`, `equivalence`, `published` and `report` are modules; `fit`, `fit_xy` (values of a table),
`compare` and `compare_all` are functions, `Law` and `Groups` say what they work on. `judged` adds
the verdict on each trial's training, and the history gives that on a law's: without them claims
say that the training length is unknown. Each is imported when it is first named: `import analysis`
alone does no work.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis import equivalence, published, report
    from analysis.comparisons.compare import compare, compare_all
    from analysis.comparisons.comparison import Groups
    from analysis.laws.law import Law
    from analysis.laws.powerlaw import fit, fit_xy
    from analysis.sources import load
    from analysis.training.stationarity import judged

__all__ = [
    "Groups",
    "Law",
    "compare",
    "compare_all",
    "equivalence",
    "fit",
    "fit_xy",
    "judged",
    "load",
    "published",
    "report",
]

_MODULES = {
    "equivalence": "analysis.equivalence",
    "load": "analysis.sources.load",
    "published": "analysis.published",
    "report": "analysis.report",
}
_MEMBERS = {
    "Groups": "analysis.comparisons.comparison",
    "Law": "analysis.laws.law",
    "compare": "analysis.comparisons.compare",
    "compare_all": "analysis.comparisons.compare",
    "fit": "analysis.laws.powerlaw",
    "fit_xy": "analysis.laws.powerlaw",
    "judged": "analysis.training.stationarity",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name in _MEMBERS:
        return getattr(importlib.import_module(_MEMBERS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
