"""Names that other systems take, made of a user's own words."""

from __future__ import annotations

import hashlib
import re
import unicodedata

__all__ = ["plain_name"]

DIGITS = 6  # of the hash


def plain_name(text: str, longest: int = 40) -> str:
    """A name of a-z, 0-9 and single hyphens that begins with a letter, as Kubernetes takes them.

    A text that is no such name gets a hash as its end, so that two texts never share a name:
    ``Größe der Welt`` becomes ``groe-der-welt-`` with six digits of it.
    """
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", ascii_only.lower()).strip("-")
    if not name[:1].isalpha():
        name = f"sweep-{name}".rstrip("-")
    if name == text and len(name) <= longest:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    return f"{name[: longest - DIGITS - 1].rstrip('-')}-{digest}"
