"""A real MLflow server with a database of its own, to be stopped and started."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.mlflow_server import MlflowServer, free_port

__all__ = ["free_port", "serving"]


@contextmanager
def serving(folder: Path, port: int) -> Iterator[str]:
    """A server with its database in `folder`; its process group is killed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    server = MlflowServer(f"sqlite:///{folder}/server.db", port, folder / "files")
    with server.serving():
        yield server.uri
