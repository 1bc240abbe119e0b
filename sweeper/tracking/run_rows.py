"""The rows of runs in a tracking database: a new one's, table by table in one transaction, and
what is known of many, in one query.

MLflow's client takes about ten sessions and a hundred objects for what a trial's run has; that was
most of what a short trial cost, and of what a finished one costs when a sweep is run again. Its
classes of tables are used here, and a test compares every row with those that the client writes.
"""

from __future__ import annotations

import math
import re
import sys
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow.entities import Dataset, LifecycleStage, SourceType
from mlflow.store.tracking.dbmodels.models import (
    SqlDataset,
    SqlExperiment,
    SqlInput,
    SqlInputTag,
    SqlLatestMetric,
    SqlMetric,
    SqlParam,
    SqlRun,
    SqlTag,
)
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.uri import append_to_uri_path
from sqlalchemy import func, insert, select, text, update

from trainers import Record

__all__ = ["FoundRun", "RunContent", "RunRows"]

PLAIN = re.compile(r"(?=.{1,250}$)\w[\w. -]*(/\w[\w. -]*)*")  # names that MLflow takes
LARGEST = sys.float_info.max
USED_FOR = {"name": "mlflow.data.context", "value": "training"}
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class RunContent:
    """What a run has from its beginning."""

    tags: Mapping[str, str]
    params: Mapping[str, str]
    records: Sequence[Record]
    dataset: Dataset

    @property
    def plain(self) -> bool:
        """Whether MLflow's client would take every name."""
        names = {*self.tags, *self.params}.union(*(one.metrics for one in self.records))
        return all(map(PLAIN.fullmatch, names))


@dataclass(frozen=True)
class FoundRun:
    """A run that was searched for, with some of its tags; `started_ms` in Unix milliseconds."""

    number: str
    files: str
    status: str
    started_ms: int
    tags: Mapping[str, str]


class RunRows:
    """The runs of one experiment in a database.

    Where something is not as it should be, such as an experiment that was deleted, the methods
    do nothing and say so by what they return; the client's calls then tell the user why.
    """

    def __init__(self, client: MlflowClient, experiment: str) -> None:
        self._store: Any = client._tracking_client.store
        self._experiment = int(experiment)

    @classmethod
    def of(cls, client: MlflowClient, experiment: str) -> RunRows | None:
        """Those of the client's tracker; None for a server."""
        database = hasattr(client._tracking_client.store, "ManagedSessionMaker")
        return cls(client, experiment) if database else None

    def with_tag(self, key: str, value: str, tags: Collection[str]) -> list[FoundRun]:
        """All runs with a tag, the youngest first, and those of `tags` that they have.

        MLflow's search loads every parameter, metric and tag as an object: 3 ms a run.
        """
        own: dict[str, dict[str, str]] = {}
        with self._store.ManagedSessionMaker() as session:
            found = self._tagged(key, SqlTag.value == value)
            runs = session.execute(
                found.order_by(SqlRun.start_time.desc(), SqlRun.run_uuid).with_only_columns(
                    SqlRun.run_uuid, SqlRun.artifact_uri, SqlRun.status, SqlRun.start_time
                )
            ).all()
            asked = select(SqlTag.run_uuid, SqlTag.key, SqlTag.value)
            chosen = SqlTag.run_uuid.in_(found), SqlTag.key.in_(tags)
            for run, name, content in session.execute(asked.where(*chosen)):
                own.setdefault(run, {})[name] = content
        return [FoundRun(*run, own.get(run[0], {})) for run in runs]

    def insert(
        self, content: RunContent, name: str, mark: str, started_ms: int
    ) -> tuple[str, str] | None:
        """Write a run, whole or not at all; returns its id and the URI of its artifacts.

        None if there is a run with the tag `mark`, which is among those of the content.
        started_ms : in Unix milliseconds.
        """
        if not content.plain:
            return None
        number = uuid.uuid4().hex
        with self._store.ManagedSessionMaker(read_only=False) as session:
            self._have_others_wait(session, mark)
            root = session.execute(self._root()).scalar()
            if root is None or session.execute(self._tagged(mark)).first():
                return None
            place = append_to_uri_path(root, number, "artifacts")  # type: ignore[no-untyped-call]
            tags = {**content.tags, MLFLOW_RUN_NAME: name}
            metrics = list(_metrics(content.records))
            own, params = {"run_uuid": number}, content.params
            tables: tuple[tuple[Any, Rows], ...] = (
                (SqlRun, [self._run(name, started_ms) | own | {"artifact_uri": place}]),
                (SqlTag, [{**own, "key": key, "value": value} for key, value in tags.items()]),
                (SqlParam, [{**own, "key": key, "value": text} for key, text in params.items()]),
                (SqlMetric, [own | row for row in metrics]),
                (SqlLatestMetric, [{**own, **row} for row in _latest(metrics)]),
            )
            for table, rows in (*tables, *self._inputs(session, content.dataset, number)):
                if rows:
                    session.execute(insert(table), rows)
        return number, place

    def end(self, run: str, status: str, end_ms: int) -> bool:
        """Set the status of a run that has ended; False if it is not there any more."""
        active: Any = SqlRun.lifecycle_stage == LifecycleStage.ACTIVE
        change = update(SqlRun).where(SqlRun.run_uuid == run, active)
        with self._store.ManagedSessionMaker(read_only=False) as session:
            done = session.execute(change.values(status=status, end_time=end_ms))
        return bool(done.rowcount)

    def _have_others_wait(self, session: Any, mark: str) -> None:
        """Until this transaction ends: another driver looks for the same run before it writes."""
        database = session.get_bind().dialect.name
        if database == "sqlite":
            session.execute(text("BEGIN IMMEDIATE"))
        elif database == "postgresql":
            session.execute(select(func.pg_advisory_xact_lock(func.hashtext(mark))))

    def _root(self) -> Any:
        """The query for where artifacts of the experiment are, unless it was deleted."""
        return select(SqlExperiment.artifact_location).where(
            SqlExperiment.experiment_id == self._experiment,
            SqlExperiment.lifecycle_stage == LifecycleStage.ACTIVE,
        )

    def _tagged(self, key: str, *conditions: Any) -> Any:
        """The query for the runs with a tag; `conditions` are of its value."""
        runs: Any = select(SqlRun.run_uuid).join(SqlTag, SqlTag.run_uuid == SqlRun.run_uuid)
        return runs.where(
            SqlTag.key == key,
            SqlRun.experiment_id == self._experiment,
            SqlRun.lifecycle_stage == LifecycleStage.ACTIVE,
            *conditions,
        )

    def _run(self, name: str, started_ms: int) -> dict[str, Any]:
        return {
            "name": name,
            "experiment_id": self._experiment,
            "source_type": SourceType.to_string(SourceType.UNKNOWN),
            "source_name": "",
            "entry_point_name": "",
            "source_version": "",
            "user_id": "unknown",
            "status": "RUNNING",
            "start_time": started_ms,
            "lifecycle_stage": LifecycleStage.ACTIVE,
        }

    def _inputs(self, session: Any, data: Dataset, run: str) -> tuple[tuple[Any, Rows], ...]:
        """The rows by which a run has a data set, which all runs share."""
        known = session.execute(
            select(SqlDataset.dataset_uuid).where(
                SqlDataset.experiment_id == self._experiment,
                SqlDataset.name == data.name,
                SqlDataset.digest == data.digest,
            )
        ).scalar()
        own = {
            "dataset_uuid": uuid.uuid4().hex,
            "experiment_id": self._experiment,
            "name": data.name,
            "digest": data.digest,
            "dataset_source_type": data.source_type,
            "dataset_source": data.source,
            "dataset_profile": data.profile,
        }
        number = uuid.uuid4().hex
        edge = {
            "input_uuid": number,
            "source_type": "DATASET",
            "source_id": known or own["dataset_uuid"],
            "destination_type": "RUN",
            "destination_id": run,
        }
        return (
            (SqlDataset, [] if known else [own]),
            (SqlInput, [edge]),
            (SqlInputTag, [{"input_uuid": number, **USED_FOR}]),
        )


def _metrics(records: Iterable[Record]) -> Iterable[dict[str, Any]]:
    """A row for each value; NaN has a mark of its own, and infinity is the largest number."""
    for record in records:
        for name, value in record.metrics.items():
            yield {
                "key": name,
                "value": 0.0 if math.isnan(value) else max(-LARGEST, min(LARGEST, value)),
                "is_nan": math.isnan(value),
                "timestamp": record.time_ms,
                "step": record.epoch,
            }


def _latest(metrics: Rows) -> Rows:
    """The last row of each metric."""
    in_order = sorted(metrics, key=lambda row: (row["step"], row["timestamp"], row["value"]))
    return list({row["key"]: row for row in in_order}.values())
