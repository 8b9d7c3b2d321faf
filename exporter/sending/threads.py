"""Parallel connections to the receiver, each in a thread of its own."""

import threading
import time
from collections.abc import Callable

from exporter.sending.connection import CallbackConnection, CallbackUrl


class Threads:
    """Threads that run ``work`` on a connection until it returns, once they are started.

    ``stop`` must make every ``work`` return soon: with nothing more sent, but with the answers
    to what is under way.
    """

    def __init__(
        self,
        work: Callable[[CallbackConnection], None],
        stop: Callable[[], None],
        url: CallbackUrl,
        connections: int,
    ) -> None:
        self.stop = stop
        self._work = work
        self._url = url
        self._failure: Exception | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"sender {number}", daemon=True)
            for number in range(connections)
        ]

    def start(self) -> None:
        """Let all threads begin."""
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until all threads have ended, or so long; return whether they have.

        Raises the exception that ended a thread.
        """
        deadline = time.monotonic() + seconds
        for thread in filter(_has_begun, self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        if self._failure:
            raise self._failure
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        connection = CallbackConnection(self._url)
        try:
            self._work(connection)
        except Exception as error:  # noqa: BLE001 - raised by wait
            self._failure = error
            self.stop()
        finally:
            connection.close()


def _has_begun(thread: threading.Thread) -> bool:
    """Return whether a thread was started: who starts them may have been interrupted."""
    return thread.ident is not None
