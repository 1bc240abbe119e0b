"""What `import sweeper` offers in a notebook: functions, and results that are shown as pages."""

from __future__ import annotations

from sweeper.notebook.functions import fit, load, plan, report, run
from sweeper.notebook.results import Fit, Plan, Result

__all__ = ["Fit", "Plan", "Result", "fit", "load", "plan", "report", "run"]
