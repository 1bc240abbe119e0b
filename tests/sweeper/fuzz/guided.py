"""``python -m tests.sweeper.fuzz.guided [-runs=20000]``: inputs that follow the reader's branches.

Needs atheris (libFuzzer for Python; ``pip install atheris``). It begins with the valid grids of
`mutants` and keeps what reaches new code; a traceback or a reading of over 2 s ends it with the
input in a file. What libFuzzer's own options mean: https://llvm.org/docs/LibFuzzer.html.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sweeper.spec", "ruamel.yaml"]):
    from tests.sweeper.fuzz.mutants import SHIPPED, VALID
    from tests.sweeper.fuzz.reading import reading

SLOW = 2.0


def one_input(content: bytes) -> None:
    """Read it; libFuzzer saves the input at any exception."""
    seen = reading(content)
    if seen.traceback:
        raise AssertionError(seen.traceback)
    if seen.seconds > SLOW:
        raise AssertionError(f"read for {seen.seconds:.1f} s")


def main() -> None:
    for path in SHIPPED:  # what they import takes seconds, once
        reading(path.read_bytes())
    with tempfile.TemporaryDirectory() as corpus:
        for number, text in enumerate(VALID):
            (Path(corpus) / str(number)).write_text(text, encoding="utf-8")
        atheris.Setup([*sys.argv, "-max_len=4000", "-rss_limit_mb=2048", corpus], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
