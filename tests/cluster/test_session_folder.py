"""Nobody else enters the folder of a Ray that is started here."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from cluster.session_folder import session_folder

NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may act as another user")
def test_another_user_cannot_list_it_whatever_rights_ray_gives() -> None:
    with session_folder() as folder:
        folder.mkdir()
        folder.chmod(0o777)
        private = subprocess.run(["ls", folder], user=NOBODY, capture_output=True, check=False)
        folder.parent.chmod(0o711)
        shared = subprocess.run(["ls", folder], user=NOBODY, capture_output=True, check=False)
    assert (private.returncode != 0, shared.returncode) == (True, 0)
    assert not folder.parent.exists()


def test_a_name_that_is_too_long_for_sockets_is_not_used_unless_it_is_rays_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = tmp_path / ("x" * 80)
    long.mkdir()
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with session_folder() as folder:
        assert folder.parent.parent == Path("/tmp")
    monkeypatch.setenv("RAY_TMPDIR", str(long))
    with pytest.raises(ClusterError, match="RAY_TMPDIR=/tmp"), session_folder():
        pass


def test_it_is_private_and_new_each_time() -> None:
    before = os.umask(0)
    try:
        with session_folder() as first, session_folder() as second:
            modes = {one.parent.stat().st_mode & 0o777 for one in (first, second)}
    finally:
        os.umask(before)
    assert (modes, first == second) == ({0o700}, False)
