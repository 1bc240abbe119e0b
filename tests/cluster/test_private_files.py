"""A file with a secret is whole, or not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FULL = """
import resource, sys
from pathlib import Path
from cluster.private_files import private_text

resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    private_text(Path(sys.argv[1]), "secret")
except OSError as error:
    print(error.strerror)
"""


def test_a_full_disk_leaves_no_empty_secret(tmp_path: Path) -> None:
    """It would be taken for one ever after."""
    file = tmp_path / "key"
    done = subprocess.run(
        [sys.executable, "-c", FULL, file], check=True, capture_output=True, text=True
    )
    assert (done.stdout, file.exists()) == ("File too large\n", False)
