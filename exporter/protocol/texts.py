"""A sender's text, made fit to be shown.

Pure.
"""

from typing import Final

CUT: Final = "…"
UNPRINTABLE: Final = "\ufffd"


def printable(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters, all of them printable.

    What is not printable (control characters, those that turn the direction of writing)
    becomes ``UNPRINTABLE``; what is too long ends with ``CUT``.
    """
    if len(text) > longest:
        text = text[: longest - 1] + CUT
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else UNPRINTABLE for character in text)
