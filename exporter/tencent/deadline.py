"""An end for what may hang.

The package's own time-out is one for connecting and for each read, not for a call; the query of
a machine's role has none.
"""

from collections.abc import Callable
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


class Late(Exception):  # noqa: N818 - a state, as TimeoutError's would be
    """Something has not ended in time; it goes on in its thread, and nobody waits for it."""


def within(seconds: float, function: Callable[[], T]) -> T:
    """Return what a function returns, or raise what it raises.  Raises ``Late``."""
    returned: list[T] = []
    raised: list[Exception] = []

    def run() -> None:
        try:
            returned.append(function())
        except Exception as error:  # noqa: BLE001 - raised again by the one who waits
            raised.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not returned:
        raise Late
    return returned[0]
