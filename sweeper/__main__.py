"""`python -m sweeper` is the command `sweeper`."""

from __future__ import annotations

import sys

from sweeper.cli import main

if __name__ == "__main__":
    sys.exit(main())
