"""How far a run is: a bar on a terminal, else a plain line now and then."""

import signal
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final, Self

import click

from exporter.sending.threads import Threads

LOOK_SECONDS: Final = 0.25
LINE_SECONDS: Final = 10.0
STEPS: Final = 1000

_BAR: Final = "%(label)s  [%(bar)s]  %(info)s"
_NO_BAR: Final = "%(label)s  %(info)s"


def interrupt_on(*signals: signal.Signals) -> None:
    """Let signals raise ``KeyboardInterrupt``, SIGINT too where a script's shell ignores it."""
    for one in signals:
        signal.signal(one, signal.default_int_handler)


def follow(
    threads: Threads, label: str, total: float, look: Callable[[], tuple[float, str]]
) -> None:
    """Start threads and show how far they are until they have ended; the first Ctrl-C stops them.

    ``look`` returns how much of ``total`` is done, and what there is to say; ``total`` is 0
    for what has no end.
    """

    def wait(progress: Progress) -> None:
        ended = False
        while not ended:
            ended = threads.wait(LOOK_SECONDS)
            progress.show(*look())

    with Progress(label, total) as progress:
        try:
            threads.start()
            wait(progress)
        except KeyboardInterrupt:
            threads.stop()
            wait(progress)


class Progress:
    """Shows on standard error how much of ``total`` is done; 0 for what has no end.

    A context: the bar ends with it.
    """

    def __init__(self, label: str, total: float) -> None:
        self._label = label
        self._total = total
        self._stack = ExitStack()
        self._bar: Any = None
        self._steps = 0
        self._text = ""
        self._line_at = time.monotonic()

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            bar: Any = click.progressbar(
                length=STEPS,
                label=self._label,
                file=sys.stderr,
                show_percent=self._total > 0,
                bar_template=_BAR if self._total else _NO_BAR,
                show_eta=False,
                item_show_func=lambda _: self._text,
            )
            self._bar = self._stack.enter_context(bar)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, done: float, text: str) -> None:
        """Show how much is done, and what there is to say."""
        self._text = text
        if self._bar is not None:
            steps = int(min(1.0, done / self._total) * STEPS) if self._total else 0
            self._bar.update(steps - self._steps)
            self._bar.render_progress()
            self._steps = steps
        elif time.monotonic() - self._line_at >= LINE_SECONDS:
            click.echo(f"{self._label}: {text}", err=True)
            self._line_at = time.monotonic()
