"""From a grid to a finished, tracked and analysed sweep.

In a notebook or a script::

    import sweeper

    plan = sweeper.plan("digits")  # what a grid would train; starts nothing
    result = sweeper.run("digits")  # a path, a shipped grid's name, or a dict
    trials = sweeper.load("digits")  # a DataFrame, one row a trial
    law = sweeper.fit("digits")  # in a notebook a figure and its sentence
    laws = sweeper.laws("digits")  # every law of the report, by its name
    page = sweeper.report("digits")  # the path of the HTML file

Each function is imported when it is first named: `import sweeper` alone does no work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeper.notebook import fit, laws, load, plan, report, run

    __version__: str

__all__ = ["__version__", "fit", "laws", "load", "plan", "report", "run"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("sweeper")
    if name in __all__:
        import sweeper.notebook

        return getattr(sweeper.notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
