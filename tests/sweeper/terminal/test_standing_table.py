"""The table of `sweeper status`: what is trained now, a line for each pack."""

from __future__ import annotations

import io

from rich.console import Console

from sweeper.status.standing import Standing
from sweeper.storage.whereabouts import Whereabouts
from sweeper.terminal.standing_table import draw_standings


def test_a_pack_whose_trials_began_in_two_seconds_is_one_line() -> None:
    found = [
        Standing(
            name,
            f"seed={name}",
            "sweep",
            "running",
            1,
            2,
            where=Whereabouts("host", "a", f"2026-11-30T10:00:0{second}+00:00"),
        )
        for second, name in enumerate("ab")
    ]
    page = io.StringIO()
    draw_standings(Console(file=page, width=120), found)
    (line,) = [line for line in page.getvalue().splitlines() if line.startswith("host")]
    assert line.rstrip().endswith("seed=a, seed=b (a pack of 2)")
    assert ":00 " in line
