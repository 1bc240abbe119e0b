"""A tracker that is slow, refuses, or breaks off harms no trial, and ends up with everything."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sweeper.cli import main
from sweeper.driver.run import RunOptions, run
from sweeper.errors import UserError
from sweeper.status.stored import stored_sweeps
from sweeper.sweep import Outcome, Sweep
from sweeper.tracking import delivery
from sweeper.tracking.connection import check_address
from sweeper.tracking.delivery import Delivery
from sweeper.tracking.reconcile import reconcile
from sweeper.tracking.server_check import Unwell
from tests.chaos.driver import chaos_sweep
from tests.chaos.promises import check_promises, reference
from tests.chaos.proxy import Proxy, proxying
from tests.chaos.server import free_port, serving
from tests.sweeper.mlflow_view import THIRD_PARTY, View, look
from tests.sweeper.small import planned, small_sweep

pytestmark = THIRD_PARTY

MIXES = {
    "done and not said": {"half_answered": 0.1, "unanswered": 0.1},
    "all": {"late": 0.1, "refused": 0.08, "half_asked": 0.08, "half_answered": 0.08},
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    port = free_port()
    with serving(tmp_path_factory.mktemp("server"), port):
        yield port


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    folder = tmp_path_factory.mktemp("reference")
    return reference(folder, chaos_sweep(folder))


def run_inline(sweep: Sweep, screen: io.StringIO | None = None) -> Outcome:
    console = Console(file=screen or io.StringIO(), width=100)
    return run(sweep, RunOptions(inline=True, console=console))


@pytest.mark.chaos
@pytest.mark.parametrize("mix", MIXES)
def test_an_abused_tracker_has_everything_once(
    tmp_path: Path, port: int, other: Sweep, mix: str
) -> None:
    proxy = Proxy(port)
    with proxying(proxy) as uri:
        sweep = replace(chaos_sweep(tmp_path, uri), experiment=f"abused {mix}")
        proxy.chances = MIXES[mix]
        seen = View([], {}, {}, {})
        outcomes = []
        while proxy.faults < 30 or not seen.runs:
            with suppress(UserError):  # GET /health was mistreated: the user starts it again
                outcomes.append(run_inline(sweep))
            seen = look(f"http://127.0.0.1:{port}", sweep.experiment)
        assert {(one.trials - one.finished, one.failed) for one in outcomes} == {(0, 0)}
        assert all(len(runs) == 1 for runs in seen.runs.values())
        assert (len(seen.parents), seen.repeated) == (1, [])
        [stored] = stored_sweeps(sweep.storage)
        with suppress(UserError):
            reconcile(stored)
        proxy.chances = {}
        reconcile(stored)
        check_promises(sweep, other)


@pytest.mark.chaos
def test_a_tracker_of_errors_is_told_all_later(
    tmp_path: Path, port: int, other: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    """500 from the first call to the last: the records wait, are counted, and are delivered."""
    proxy, screen = Proxy(port), io.StringIO()
    with proxying(proxy) as uri:
        sweep = replace(chaos_sweep(tmp_path, uri), experiment="refused all")
        proxy.chances = {"refused": 1.0}
        assert run_inline(sweep, screen).finished == 4
        words = " ".join(screen.getvalue().split())
        assert "the trials are trained all the same" in words
        assert "MLflow does not have everything yet" in words
        asked = ["status", "refused all", "--storage", str(sweep.storage)]
        assert main(asked) == 0
        assert "at most 120 records of 4 trials wait for MLflow" in capsys.readouterr().out
        proxy.chances = {}
        assert main(["reconcile", "refused all", "--storage", str(sweep.storage)]) == 0
        capsys.readouterr()
        assert main([*asked, "--json"]) == 0
        [waiting] = json.loads(capsys.readouterr().out)["waiting"]
        assert (waiting["records"], waiting["error"]) == (0, None)
        check_promises(sweep, other)


def test_an_address_that_breaks_off_or_is_late_is_ill() -> None:
    proxy = Proxy(free_port())
    with proxying(proxy) as uri:
        for name in ("refused", "half_asked"):
            proxy.chances = {name: 1.0}
            with pytest.raises(Unwell):
                check_address(uri)


def test_what_waits_costs_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 news for a tracker that never answers: what waits is three names."""

    def never(courier: Delivery) -> None:
        raise ConnectionError("down")

    monkeypatch.setattr(Delivery, "_open", never)
    monkeypatch.setattr(delivery, "LAST_PAUSE", 0.0)
    courier = Delivery(small_sweep(tmp_path, planned()), {})
    courier.start()
    courier.begin()
    tracemalloc.start()
    for _ in range(100_000):
        courier.notice("abc"[_ % 3], "RUNNING")
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 1_000_000
    assert courier.close("FINISHED", 1).trials == 3
