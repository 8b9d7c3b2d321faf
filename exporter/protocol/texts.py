"""A sender's text, made fit to be shown.

Pure.
"""


def printable(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters, all of them printable.

    What is not printable (control characters, those that turn the direction of writing)
    becomes U+FFFD.
    """
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
