"""Several calls of MLflow's client in one transaction of a tracking database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

__all__ = ["one_transaction"]

_ONE_AT_A_TIME = threading.RLock()


@contextmanager
def one_transaction(client: MlflowClient) -> Iterator[None]:
    """Have this thread's calls in the block share a database session; all are done, or none.

    MLflow opens a session for each kind of row, about ten for a run, and each costs as much as
    its rows. The calls may only write rows of runs that are created in the block, as MLflow takes
    back a whole session where a row is there already. A server's calls stay as they are.
    """
    store: Any = client._tracking_client.store
    if not hasattr(store, "ManagedSessionMaker"):
        yield
        return
    raised: list[Exception] = []
    try:
        with _ONE_AT_A_TIME, _one_session(store):
            try:
                yield
            except Exception as error:
                raised.append(error)
                raise
    except MlflowException:
        if raised:  # MLflow makes every error in a session one of its own
            raise raised[0] from None
        raise


@contextmanager
def _one_session(store: Any) -> Iterator[None]:
    """Open a session that the store gives out to this thread, and commit it once, at the end.

    Threads take turns: MLflow has one store per URI in a process, and of two blocks that overlap
    the later one would put back the session of the other, which is closed.
    """
    make, owner = store.ManagedSessionMaker, threading.get_ident()
    with make(read_only=False) as session:

        @contextmanager
        def joined(read_only: bool = True) -> Iterator[Any]:
            if threading.get_ident() == owner:
                yield session
                return
            with make(read_only=read_only) as own:
                yield own

        session.commit, store.ManagedSessionMaker = session.flush, joined
        try:
            yield
        finally:
            store.ManagedSessionMaker = make
            del session.commit
