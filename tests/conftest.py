"""Shapes are checked in every test: trainers' jaxtyping annotations become beartype checks.

Hypothesis draws the same examples wherever the tests run, and no example has a deadline: a slow
machine is no defect. ``--hypothesis-profile default`` draws others.
"""

import os
import signal

from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

from tests import shapes

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

# A shell starts background jobs with SIGINT ignored; the tests of Ctrl-C need it everywhere.
# nohup has SIGHUP ignored; so do those of a closed terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

install_import_hook("trainers", f"{shapes.__name__}.check")

settings.register_profile(
    "anywhere", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("anywhere")
