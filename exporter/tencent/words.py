"""Text of others, made fit to be shown.

Pure.
"""

import re
from typing import Final

_LONGEST: Final = 300


def plain(text: object) -> str:
    """Return text on one line, without control characters or passwords in URLs, and bounded."""
    words = "".join(letter if letter.isprintable() else " " for letter in str(text))
    words = re.sub(r"//[^/@\s]*@", "//…@", " ".join(words.split()))
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


def shown_url(url: str) -> str:
    """Return a URL without what may be secret: its user, its query."""
    before, question, _ = url.partition("?")
    return plain(before) + (f"{question}…" if question else "")


def joined(names: tuple[str, ...] | list[str]) -> str:
    """Return names separated by commas."""
    return ", ".join(names)
