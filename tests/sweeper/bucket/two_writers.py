"""Two writers of one object of a bucket."""

from __future__ import annotations

from sweeper.bucket.objects import Bucket, Tag

__all__ = ["assert_one_has_it"]


def assert_one_has_it(bucket: Bucket) -> Tag:
    """Of two that create or update the object ``lease`` one does; returns the tag it has then."""
    tag = bucket.create("lease", b"one")
    assert tag
    assert bucket.create("lease", b"two") is None
    renewed = bucket.update("lease", b"one, again", tag)
    assert renewed
    assert bucket.update("lease", b"two", tag) is None
    assert bucket.update("nothing", b"two", tag) is None
    found = bucket.get("lease")
    assert found
    assert (found.content, found.tag) == (b"one, again", renewed)
    return renewed
