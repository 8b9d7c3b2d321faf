"""How a command answers: to people, or to a program."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import click
import orjson

NOW_AND_THEN_SECONDS: Final = 3.0


class CommandOutput:
    """Sentences for people, or one JSON object for a program."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def wait(self, sentence: str) -> None:
        """Say what is being waited for."""
        click.echo(sentence, err=True)

    def say(self, sentence: str = "") -> None:
        """Say something to people; a program has it in the document."""
        if not self.as_json:
            click.echo(sentence)

    def answer(self, document: Mapping[str, Any]) -> None:
        """Give the document to a program."""
        if self.as_json:
            click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())

    def fail(self, error: object) -> NoReturn:
        """End with an error."""
        self.answer({"error": str(error)})
        click.echo(f"css-exporter: {error}", err=True)
        sys.exit(1)


def now_and_then(say: Callable[[str], None]) -> Callable[[str], None]:
    """Return what says a sentence only if a while has passed since the last one."""
    at = -NOW_AND_THEN_SECONDS

    def perhaps(sentence: str) -> None:
        nonlocal at
        if (now := time.monotonic()) - at >= NOW_AND_THEN_SECONDS:
            at = now
            say(sentence)

    return perhaps
