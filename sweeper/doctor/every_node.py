"""Checks of every node of a cluster: storage, program, versions, processor, data, disk, clock."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from cluster.addresses import backend_at
from cluster.errors import ClusterError
from cluster.probe import Answer, Probe
from sweeper.bucket.mirror import bucket_of
from sweeper.doctor.finding import Finding
from sweeper.doctor.surroundings import data
from sweeper.messages import Job
from sweeper.schedule.nodes import remarks, standard, unable
from sweeper.storage.attempts import withdraw
from sweeper.storage.ledger import write_file
from sweeper.storage.paths import nonce_file
from sweeper.worker.fitness import SAME, difference, examine

__all__ = ["nodes"]

OWN = "doctor"  # where the file for the nodes lies in a bucket


def nodes(address: str, storage: Path) -> list[Finding]:
    """A finding on the cluster, and one on each of its nodes.

    A file is written to the storage for the nodes to find, and is deleted.
    """
    begun = time.monotonic()
    try:
        there = backend_at(address)
        there.connect()
    except ClusterError as error:
        return [Finding("Ray", address, "stop", str(error))]
    took = time.monotonic() - begun
    bucket, here = bucket_of(storage), storage.resolve()
    place = here / OWN if bucket else here
    job = Job(str(here), str(place), (), nonce=secrets.token_hex(8), bucket=bucket)
    try:
        answers = _ask(job)
    finally:
        there.close()
    joined = f"{address}: ready after {took:.1f} s, nodes: {len(answers)}"
    same = standard(answers, job)
    ordered = sorted(answers, key=lambda one: one.node.name)
    return [Finding("Ray", joined), *(_judged(one, job, same) for one in ordered)]


def _ask(job: Job) -> list[Answer]:
    """The answers of all nodes."""
    nonce = nonce_file(job.sweep)
    made = not nonce.parent.exists()
    write_file(nonce, job.nonce.encode())
    try:
        probe = Probe(partial(_examine, job.to_json()))
        probe.start({})
        return probe.all(lambda words: None)
    finally:
        withdraw(nonce)
        if made:
            nonce.parent.rmdir()


def _examine(job: str) -> dict[str, Any]:
    """What is checked on a node: as before a sweep, and its data sets and temporary folder."""
    place = Path(tempfile.gettempdir())
    sets = data()
    return {
        **examine(job),
        "sets": (sets.verdict, sets.found, sets.remedy),
        "free": shutil.disk_usage(place).free,
    }


def _judged(answer: Answer, job: Job, machine: Mapping[str, str]) -> Finding:
    name = f"node {answer.node.name}"
    if words := unable(answer, job):
        what, _, remedy = words.partition(": ")
        return Finding(name, what, "stop", remedy)
    found = answer.found
    if other := difference(found, machine):
        return Finding(name, other, "stop", SAME)
    amounts = ", ".join(
        f"{answer.node.resources.get(kind, 0.0):g} {kind}s" for kind in ("CPU", "GPU")
    )
    verdict, sets, remedy = found["sets"]
    text = f"{amounts}; {found['free'] / 1e9:.1f} GB free; data: {sets}"
    if said := remarks(answer):
        return Finding(name, text, "note", "; ".join(f"it {one}" for one in said))
    return Finding(name, text, verdict, remedy)
