"""How numbers are shown to people.

Pure.
"""


def span(seconds: float) -> str:
    """Return a length of time in at most two units, like ``2 h 5 min``."""
    sign = "−" if round(seconds, 1) < 0 else ""  # noqa: RUF001 - a minus is meant
    rest = abs(seconds)
    if rest < 9.95:
        return f"{sign}{rest:.1f} s"
    parts = []
    whole = round(rest)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, whole = divmod(whole, length)
        parts.append(f"{number} {unit}" if number else "")
    while not parts[0]:
        parts.pop(0)
    return sign + " ".join(filter(None, parts[:2]))
