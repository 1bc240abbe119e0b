"""Trials of several programs or machines are told apart, and a law over them says so."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analysis.figures.drawing.view import View
from analysis.laws.powerlaw import Law, fit
from analysis.report.parts.provenance import part
from analysis.sources.frames import TrialRow, trials_frame
from analysis.sources.machines import machine, mixed
from analysis.sources.schema import Experiment
from tests.analysis.laws.test_powerlaw import planted

ABOUT = {
    "source": "0123456789ab",
    "python": "3.11.2",
    "versions": {"torch": "2.14.1", "numpy": "2.4.6", "ray": "2.60.0"},
    "cpu": "AMD EPYC",
    "instructions": "AVX2",
    "device": "cpu",
}
MIXED = (
    "these trials mix 2 kinds of program or machine, which may give other numbers: "
    "40 trials by program 0123456789ab and 5 trials by program ba9876543210"
)


def test_what_decides_the_last_bits_is_one_text() -> None:
    assert machine(ABOUT) == (
        "program 0123456789ab, python 3.11.2, torch 2.14.1, numpy 2.4.6, AMD EPYC with AVX2"
    )
    assert machine(ABOUT | {"device": "NVIDIA H200"}) == f"{machine(ABOUT)}, NVIDIA H200"
    assert machine({"versions": {"torch": "2"}, "python": "3.11.2"}) is None


@pytest.mark.parametrize(
    "changed", [{"source": "b"}, {"instructions": "AVX512"}, {"versions": {"torch": "2.13"}}]
)
def test_each_part_of_it_makes_another_kind(changed: dict[str, Any]) -> None:
    both = [machine(ABOUT), machine(ABOUT | changed)]
    rows = trials_frame([TrialRow({"trial": str(i), "machine": m}) for i, m in enumerate(both)])
    assert mixed(rows).startswith("these trials mix 2 kinds of program or machine")
    assert not mixed(rows[:1])


def test_trials_of_unknown_machines_are_no_kind_of_their_own() -> None:
    rows = pd.DataFrame({"machine": [machine(ABOUT), None, machine(ABOUT)]})
    assert mixed(rows) == ""
    assert mixed(pd.DataFrame({"trial": ["a"]})) == ""


def test_a_law_over_two_programs_says_so() -> None:
    other = machine(ABOUT | {"source": "ba9876543210"})
    rows = planted().assign(machine=[machine(ABOUT)] * 40 + [other] * 5)
    assert fit(rows, Law()).notes == (MIXED,)
    assert f"Note: {MIXED}." in fit(rows, Law()).sentences()
    assert fit(rows[:36], Law()).notes == ()


def test_the_report_says_so_too() -> None:
    other = machine(ABOUT | {"source": "ba9876543210"})
    rows = planted().assign(machine=[machine(ABOUT)] * 40 + [other] * 5)
    [said] = part(View(Experiment("demo", rows, pd.DataFrame()), (), (), 0.1)).statements
    assert (said.text, said.warning) == (f"T{MIXED[1:]}.", True)
