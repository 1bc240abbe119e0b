"""Shapes are checked in every test: trainers' jaxtyping annotations become beartype checks."""

import os

from jaxtyping import install_import_hook

from tests import shapes

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

install_import_hook("trainers", f"{shapes.__name__}.check")
