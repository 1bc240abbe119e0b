"""``python -m tests.sweeper.fuzz.guided [-runs=20000]``: inputs that follow the reader's branches.

Needs atheris (libFuzzer for Python; ``pip install atheris``). It begins with the valid grids of
`mutants` and keeps what reaches new code; a traceback, a reading without an end or more than 2 GiB
end it with the input in a file. What libFuzzer's own options mean, ``-seed=1`` for the same inputs
every time among them: https://llvm.org/docs/LibFuzzer.html.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sweeper.grid", "ruamel.yaml"]):
    from tests.sweeper.fuzz.mutants import SHIPPED, VALID
    from tests.sweeper.fuzz.reading import reading

MOST = 2048  # MiB


def one_input(content: bytes) -> None:
    """Read it; libFuzzer saves the input at any exception."""
    seen = reading(content)
    if seen.traceback:
        raise AssertionError(seen.traceback)


def main() -> None:
    # Linux counts the peak of the process that started this one as this one's, until it has more.
    begun_with = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for path in SHIPPED:  # what they import takes seconds, once
        reading(path.read_bytes())
    with tempfile.TemporaryDirectory() as corpus:
        for number, text in enumerate(VALID):
            (Path(corpus) / str(number)).write_text(text, encoding="utf-8")
        atheris.Setup(
            [*sys.argv, "-max_len=4000", f"-rss_limit_mb={begun_with + MOST}", corpus], one_input
        )
        atheris.Fuzz()


if __name__ == "__main__":
    main()
