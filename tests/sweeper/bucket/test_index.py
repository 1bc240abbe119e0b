"""The index of a mirror, which several processes of a machine open and write."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sweeper.bucket.index import Held, Index

TOGETHER = 8


def test_many_make_it_at_once(tmp_path: Path) -> None:
    """As the workers of a node that has had no mirror before."""
    paths = [tmp_path / f"{number}.db" for number in range(10) for _ in range(TOGETHER)]

    def enter(at: tuple[int, Path]) -> None:
        Index(at[1]).enter([Held(f"trials/{at[0]}", "tag", 1)])

    with ThreadPoolExecutor(TOGETHER) as pool:
        list(pool.map(enter, enumerate(paths)))
    assert [len(Index(path).below()) for path in paths] == [TOGETHER] * len(paths)
    assert {name.rpartition(".db")[2] for name in os.listdir(tmp_path)} <= {"", "-wal", "-shm"}


def test_what_is_kept_is_not_dropped(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    index.enter([Held("a", "1", 1), Held("b", "2", 2, whole=False), Held("c", "3", 3)])
    index.drop(["a", "b"], kept=lambda key: key == "b")
    assert index.below() == {"b": Held("b", "2", 2, whole=False), "c": Held("c", "3", 3)}
