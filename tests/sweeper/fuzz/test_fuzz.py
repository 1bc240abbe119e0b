"""The short form of the fuzzing, and hypothesis on top; the long one is marked slow."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sweeper.fuzz.mutants import SHIPPED, VALID, mutant
from tests.sweeper.fuzz.reading import reading

QUICK = settings(max_examples=300)
KEYS = st.sampled_from(
    [
        "experiment",
        "trials",
        "data",
        "defaults",
        "search",
        "evaluate",
        "analysis",
        "until",
        "resources",
        "storage",
        "tracking",
        "cluster",
        "seeds",
        "aliases",
        "model",
        "network",
        "sigma",
        "beta",
        "name",
        "linspace",
        "logspace",
        "uniform",
        "choice",
        "law",
        "range",
        "method",
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    KEYS,
    st.sampled_from(["sigma_vae", "deen", "digits", "mlp", "sobol", "verify", "auto"]),
)
TREES = st.recursive(
    VALUES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=25,
)


@pytest.mark.parametrize("text", VALID)
def test_what_is_mutated_is_valid(text: str) -> None:
    seen = reading(text.encode())
    assert (seen.refused, seen.traceback) == (False, None)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "{a: " * 50_000,
        "- " * 100_000,
        "[\n" * 100_000,
        "? " * 100_000,
        "!" * 200_000,
        "*a " * 60_000,
        "9" * 200_000,
    ],
)
def test_large_and_deep_inputs_are_refused(text: str) -> None:
    seen = reading(text.encode())
    assert seen.refused


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """What the components import takes seconds, once."""
    for path in SHIPPED:
        reading(path.read_bytes())


def must_be_read(content: bytes) -> None:
    seen = reading(content)
    assert seen.traceback is None, seen.traceback


@pytest.mark.parametrize("start", range(0, 2000, 250))
def test_mutants_are_read_or_refused(start: int) -> None:
    for number in range(start, start + 250):
        must_be_read(mutant(number))


@QUICK
@given(st.binary(max_size=400))
def test_bytes_are_refused(content: bytes) -> None:
    must_be_read(content)


@QUICK
@given(st.dictionaries(KEYS, TREES, max_size=8))
def test_mappings_of_known_keys_are_read_or_refused(tree: dict[str, object]) -> None:
    whole = {"experiment": "a", "trials": [{"model": "sigma_vae"}], **tree}
    must_be_read(json.dumps(whole).encode())


def program(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_forty_thousand_inputs() -> None:
    done = program("tests.sweeper.fuzz", "--inputs", "40000")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.skipif(
    not find_spec("atheris"),
    reason="needs atheris: pip install atheris (it has no wheel for this Python or system)",
)
def test_inputs_that_follow_the_branches(tmp_path: Path) -> None:
    done = program(
        "tests.sweeper.fuzz.guided", "-runs=10000", "-seed=1", f"-artifact_prefix={tmp_path}/"
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "Done 10000 runs" in done.stderr
