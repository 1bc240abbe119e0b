"""Time to load 10,000 tracked runs with 20 metrics, beside mlflow.search_runs.

    python -m tests.benchmarks.loading sqlite:////tmp/bench.db postgresql://me@localhost/bench

Fills each empty store with synthetic runs by bulk SQL, then prints seconds and their ratio,
measured in one process. A store that holds the runs already (--filled) is only read.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from mlflow import MlflowClient, search_runs, set_tracking_uri

from analysis.sources.load import from_mlflow

METRICS = [
    f"{split}/{name}"
    for split in ("train", "test")
    for name in ("objective", "elbo", "elbo_full", "kl", "recon", "denoise", "a", "b", "c", "d")
]
PARAMS = {
    "model": "sigma_vae",
    "network": "conv",
    "data": "digits",
    "beta": 1.0,
    "d_z": 100,
    "epochs": 20,
    "batch_size": 32,
    "lr": 1e-3,
    "eps": 1e-8,
    "share_encoder": True,
}
TAGS = {
    "sweeper.kind": "trial",
    "sweeper.model": "sigma_vae",
    "sweeper.role": "declared",
    "sweeper.data_checksum": "c0ffee",
    "sweeper.git_commit": "0" * 40,
    "sweeper.git_dirty": "false",
    "sweeper.host": "h",
    "sweeper.device": "cpu",
}
START = 1_700_000_000_000
BATCH = 20_000
Row = dict[str, object]


def run_rows(runs: list[str], experiment: int) -> Iterator[Row]:
    for i, run in enumerate(runs):
        yield {
            "run_uuid": run,
            "name": f"run {i}",
            "source_type": "UNKNOWN",
            "user_id": "u",
            "status": "FINISHED",
            "start_time": START + i,
            "end_time": START + 1000 + i,
            "lifecycle_stage": "active",
            "artifact_uri": "a",
            "experiment_id": experiment,
            "source_name": "",
            "entry_point_name": "",
            "source_version": "",
        }


def param_rows(runs: list[str]) -> Iterator[Row]:
    for i, run in enumerate(runs):
        for key, value in {**PARAMS, "sigma": 0.03 + 1e-5 * (i // 5), "seed": i % 5}.items():
            yield {
                "run_uuid": run,
                "key": key,
                "value": value if isinstance(value, str) else json.dumps(value),
            }


def tag_rows(runs: list[str]) -> Iterator[Row]:
    for i, run in enumerate(runs):
        for key, value in {**TAGS, "sweeper.trial": run[:16], "sweeper.label": f"l{i}"}.items():
            yield {"run_uuid": run, "key": key, "value": value}


def metric_rows(runs: list[str], steps: range) -> Iterator[Row]:
    for run in runs:
        for step in steps:
            for number, key in enumerate(METRICS):
                yield {
                    "run_uuid": run,
                    "key": key,
                    "value": 1.0 + number + step,
                    "timestamp": START + step,
                    "step": step,
                    "is_nan": False,
                }


def fill(uri: str, count: int, steps: int) -> None:
    """Write `count` runs with `steps` values of each metric."""
    experiment = int(MlflowClient(tracking_uri=uri).create_experiment("bench"))
    runs = [uuid.uuid4().hex for _ in range(count)]
    tables = {
        "runs": run_rows(runs, experiment),
        "params": param_rows(runs),
        "tags": tag_rows(runs),
        "latest_metrics": metric_rows(runs, range(steps, steps + 1)),
        "metrics": metric_rows(runs, range(1, steps + 1)),
    }
    engine, meta = sa.create_engine(uri), sa.MetaData()
    meta.reflect(engine, only=list(tables))
    with engine.begin() as connection:
        for name, rows in tables.items():
            for batch in batches(rows):
                connection.execute(meta.tables[name].insert(), batch)


def batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(uri: str, count: int) -> str:
    """One line of the table."""
    found = []
    ours = seconds(lambda: found.append(from_mlflow(uri, "bench")))
    history = seconds(lambda: len(found[0].history))
    set_tracking_uri(uri)
    frames = []
    theirs = seconds(
        lambda: frames.append(search_runs(experiment_names=["bench"], max_results=100_000))
    )
    assert len(frames[0]) == len(found[0].trials) == count
    kind = uri.partition(":")[0]
    return f"{kind:12}{count:8d}{ours:10.2f}{history:14.2f}{theirs:20.2f}{theirs / ours:8.1f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("uri", nargs="+", help="sqlite:///... or postgresql://...")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--filled", action="store_true", help="the stores hold the runs already")
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    print(
        f"{'store':12}{'runs':>8}{'load [s]':>10}{'history [s]':>14}{'search_runs [s]':>20}"
        f"{'ratio':>8}"
    )
    for uri in arguments.uri:
        if not arguments.filled:
            fill(uri, arguments.runs, arguments.steps)
        print(measure(uri, arguments.runs), flush=True)


if __name__ == "__main__":
    main()
