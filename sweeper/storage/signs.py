"""Signs: empty files whose existence asks workers for something, in a bucket empty objects."""

from __future__ import annotations

from pathlib import Path

from sweeper.bucket.mirror import mirror_of
from sweeper.storage.lease import is_held_here
from sweeper.storage.paths import stop_file

__all__ = ["Sign", "StopSign"]

AGE = 2.0  # seconds for which the answer of a bucket is taken for granted


class Sign:
    """A file whose existence is the sign.

    On a bucket it is an object too; the driver's machine has the file as well, so that workers
    there see it at once, and also while the store is away.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mirror = mirror_of(path.parent)

    def put_up(self) -> None:
        """Set it."""
        self.put_up_here()
        self.put_up_there()

    def put_up_here(self) -> None:
        """Set it for the workers of this machine."""
        if self._mirror is None or is_held_here(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()

    def put_up_there(self) -> None:
        """Set it in the bucket, for the workers of other machines; nothing for a folder."""
        if self._mirror:
            self._mirror.set_sign(self.path)

    def take_down(self) -> None:
        """Remove it."""
        self.path.unlink(missing_ok=True)
        if self._mirror:
            self._mirror.clear_sign(self.path)

    def is_up(self, age_s: float = AGE) -> bool:
        """Whether it is set; in a bucket, as of at most `age_s` seconds ago."""
        if self.path.exists():
            return True
        return self._mirror is not None and self._mirror.is_set(self.path, age_s)


class StopSign(Sign):
    """It asks every worker of the sweep in a folder to stop after its current epoch."""

    def __init__(self, folder: str | Path) -> None:
        super().__init__(stop_file(folder))
