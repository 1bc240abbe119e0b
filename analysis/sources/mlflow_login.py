"""The credentials that MLflow's own client would send, for plain requests."""

from __future__ import annotations

import base64
import os
from urllib.request import Request

__all__ = ["authorize"]


def authorize(request: Request) -> Request:
    """`request` with MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN, if they are set."""
    user, password = (
        os.environ.get(f"MLFLOW_TRACKING_{name}") for name in ("USERNAME", "PASSWORD")
    )
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    if user and password:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {pair}")
    elif token:
        request.add_header("Authorization", f"Bearer {token}")
    return request
