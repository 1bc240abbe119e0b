"""Output whose encoding lacks a character gets an ASCII stand-in, such as ``sigma`` for σ."""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata

__all__ = ["allow_every_character", "in_ascii"]

HANDLER = "sweeper.stand-ins"
SIGNS = {
    "−": "-",
    "–": "-",
    "—": "-",
    "±": "+-",
    "√": " sqrt ",
    "×": "x",
    "·": ".",
    "•": "*",
    "″": '"',
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "→": "->",
    "∞": "inf",
    "‖": "||",
    "’": "'",
    "“": '"',
    "”": '"',
    "⁄": "/",
}


def allow_every_character() -> None:
    """Have stdout and stderr write stand-ins where they would raise `UnicodeEncodeError`."""
    codecs.register_error(HANDLER, _handle)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=HANDLER)


def in_ascii(text: str) -> str:
    """A text with a stand-in for each character that is not ASCII."""
    return "".join(sign if sign.isascii() else _stand_in(sign) for sign in text)


def _stand_in(sign: str) -> str:
    """Greek letters by name, signs by their look, accented letters without accents, else ``?``."""
    if sign in SIGNS:
        return SIGNS[sign]
    name = unicodedata.name(sign, "").split()
    if name[:1] == ["GREEK"] and "LETTER" in name:
        letter = name[name.index("LETTER") + 1].lower()
        return letter.capitalize() if sign.isupper() else letter
    raised = "^" if unicodedata.decomposition(sign).startswith("<super>") else ""
    parts = (SIGNS.get(part, part) for part in unicodedata.normalize("NFKD", sign))
    plain = "".join(parts).encode("ascii", "ignore").decode()
    return raised + plain if plain else "?"


def _handle(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end
