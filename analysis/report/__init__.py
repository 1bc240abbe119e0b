"""The report of an experiment: one HTML file that needs no network, with tested claims.

Example::

    from analysis import load, report

    experiment = load.from_storage(Path("sweeps"), "imaginary-noise")
    report.write(experiment, Path("report"), report.ReportSettings(margin=0.1))
"""

from __future__ import annotations

from analysis.report.build import prepare, summary, write
from analysis.report.settings import ReportSettings

__all__ = ["ReportSettings", "prepare", "summary", "write"]
