"""Every node of a cluster is asked once, what it answers and why it cannot are told apart."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray

from cluster.local import Local
from cluster.probe import Node, Probe, last_words, live_nodes
from tests.local_ray import local_ray


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with local_ray():
        Local().connect()
        yield


def checked(file: Path) -> dict[str, Any]:
    with file.open("a") as calls:
        calls.write("called\n")
    return {"pid": os.getpid()}


def failing(file: Path) -> dict[str, Any]:
    checked(file)
    raise OSError("the disk\nis gone")


def ignored(words: str) -> None:
    """A node may take long to answer."""


def silent(words: str) -> None:
    raise AssertionError(words)


def test_each_node_is_asked_once_and_takes_no_core(tmp_path: Path) -> None:
    probe = Probe(partial(checked, tmp_path / "calls"))
    probe.start({"CPU": 2})
    [answer] = probe.all(ignored)
    assert answer.node == live_nodes()[0]
    assert answer.found["pid"] != os.getpid()
    assert (answer.trouble, answer.ahead_s) == ("", 0.0)
    probe.start({"CPU": 2})
    assert probe.all(silent) == probe.ready() == []
    assert (tmp_path / "calls").read_text() == "called\n"


def test_a_node_without_the_resources_is_not_asked(tmp_path: Path) -> None:
    probe = Probe(partial(checked, tmp_path / "calls"))
    probe.start({"CPU": 3})
    assert probe.all(silent) == []
    assert not (tmp_path / "calls").exists()


def test_a_check_that_fails_is_tried_twice_and_its_exception_told(tmp_path: Path) -> None:
    probe = Probe(partial(failing, tmp_path / "calls"))
    probe.start({})
    [answer] = probe.all(ignored)
    assert (answer.found, answer.trouble) == ({}, "is gone")
    assert (tmp_path / "calls").read_text() == "called\n" * 2


class Talker:
    def talk(self) -> int:
        sys.stderr.write("a library gave up\n")
        sys.stderr.flush()
        return os.getpid()


def test_a_workers_last_words_are_read_on_its_node() -> None:
    talker = ray.remote(num_cpus=0)(Talker).remote()
    pid = ray.get(talker.talk.remote())
    [node] = live_nodes()
    assert last_words(node.id, pid).endswith("a library gave up")
    assert last_words(node.id, 2**22 + 1) == ""


def test_what_a_node_has() -> None:
    node = Node("1", "b", "b", "192.0.2.2", {"CPU": 2.0})
    assert node.has({"CPU": 2, "GPU": 0})
    assert not node.has({"CPU": 2.5})
    assert not node.has({"GPU": 1})
