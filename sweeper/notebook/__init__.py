"""What `import sweeper` offers in a notebook: functions, and results that are shown as pages."""

from __future__ import annotations

from sweeper.notebook.functions import fit, laws, load, plan, report, run
from sweeper.notebook.results import Fit, Laws, Plan, Result

__all__ = ["Fit", "Laws", "Plan", "Result", "fit", "laws", "load", "plan", "report", "run"]
