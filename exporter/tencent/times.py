"""The API's times, which are text, as Unix seconds.  No clock is asked."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_BEIJING: Final = timezone(timedelta(hours=8))


def seconds_of(text: str) -> float | None:
    """Return the Unix time of one of the API's texts, None for whatever is none.

    A text without a zone is Beijing time.
    """
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=at.tzinfo or _BEIJING).timestamp()
    except (ValueError, OverflowError):
        return None


def utc(at: float) -> str:
    """Return a Unix time as the API takes it, without the fraction of a second."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
