"""A new run is in MLflow's database with all that it has, or not at all, for the price of one."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from mlflow.tracking import MlflowClient

from sweeper.tracking.connection import check_address
from sweeper.tracking.store import quiet_client
from sweeper.tracking.tracker import Tracking
from sweeper.tracking.transaction import one_transaction
from tests.sweeper.mlflow_view import READY, look
from tests.sweeper.small import newest, small_sweep, train

pytestmark = READY


class Transactions:
    """Counts those that write something, in all databases of this process."""

    def __init__(self) -> None:
        self.count, self._writes = 0, False
        for name in ("before_cursor_execute", "commit"):
            sqlalchemy.event.listen(sqlalchemy.Engine, name, getattr(self, name))

    def before_cursor_execute(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        self._writes |= statement.startswith(("INSERT", "UPDATE", "DELETE"))

    def commit(self, connection: Any) -> None:
        self.count += self._writes
        self._writes = False

    def close(self) -> None:
        for name in ("before_cursor_execute", "commit"):
            sqlalchemy.event.remove(sqlalchemy.Engine, name, getattr(self, name))


def test_a_trial_that_ended_takes_two_transactions(tmp_path: Path) -> None:
    """One for the run with its data, parameters, metrics and tags, and one for its end."""
    sweep = small_sweep(tmp_path)
    train(sweep)
    check_address(sweep.tracking)
    view, trial = Tracking(sweep, {}), sweep.trials[0]
    found = Transactions()
    view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    found.close()
    assert found.count == 2
    assert look(sweep.tracking).statuses == {trial.id: "FINISHED"}


@pytest.mark.parametrize("method", ["log_inputs", "log_batch"])
def test_of_a_run_whose_making_failed_nothing_stays(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = small_sweep(tmp_path)
    train(sweep)
    check_address(sweep.tracking)
    view, trial = Tracking(sweep, {}), sweep.trials[0]

    def lost(*arguments: Any, **named: Any) -> None:
        raise ConnectionError("lost")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, method, lost)
        with pytest.raises(ConnectionError):
            view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    assert look(sweep.tracking).runs == {}
    view.show_trial(trial.id, newest(sweep, trial), "FINISHED")
    seen = look(sweep.tracking)
    assert [len(runs) for runs in seen.runs.values()] == [1]
    assert len(seen.history[trial.id, "test/kl"]) == 4


def test_blocks_of_two_threads_lose_nothing(tmp_path: Path) -> None:
    """Such as those of a delivery that was given up and of the next run in the same notebook."""
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = quiet_client(uri)
    number = client.create_experiment("demo")
    second_in, first_out = threading.Event(), threading.Event()

    def second() -> None:
        with one_transaction(quiet_client(uri)):
            second_in.set()
            first_out.wait()
            client.create_run(number, run_name="second")

    thread = threading.Thread(target=second)
    with one_transaction(client):
        thread.start()
        second_in.wait(0.3)  # never set in time where the blocks take turns
        client.create_run(number, run_name="first")
    first_out.set()
    thread.join()
    client.create_run(number, run_name="later")
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:  # only what is committed
        names = {name for (name,) in database.execute("SELECT name FROM runs")}
    assert names == {"first", "second", "later"}


def test_another_thread_keeps_its_own(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = quiet_client(uri)
    number = client.create_experiment("demo")

    def create(name: str) -> None:
        client.create_run(number, run_name=name)

    def fail_at_the_end() -> None:
        with one_transaction(client):
            thread = threading.Thread(target=create, args=("another thread's",))
            thread.start()
            thread.join()
            create("taken back")
            raise KeyError

    with pytest.raises(KeyError):
        fail_at_the_end()
    create("later")
    names = {run.info.run_name for run in client.search_runs([number])}
    assert names == {"another thread's", "later"}
