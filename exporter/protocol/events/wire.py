"""Field types of the wire, tolerant where packets are known to differ.

Integers come as numbers or digit strings, times in seconds or milliseconds, lists as
null, nested JSON as text (docs/protocol.md section 3.13).  What a count depends on is
required and refused when unusable; an ``Optional...`` that cannot be used counts as absent.
How much one packet may add to a counter is bounded here (section 3.14).
"""

import re
from typing import Annotated, Any, Final

import orjson
from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema, with_default_schema

from exporter.protocol.texts import printable
from exporter.protocol.vocabulary import Stream

MOST_FAULTS: Final = 100_000
"""Occurrences of one fault in one packet: a message every 50 us of a 5 s interval."""

MOST_PUSH_MILLISECONDS: Final = 366 * 86_400_000
"""Length of a push: a year."""

MOST_RECORDED_SECONDS: Final = 31 * 86_400
"""Length of a recording: a month (HLS goes on as long as the push; other formats have 2 h)."""

MOST_FILE_BYTES: Final = 2**43
"""Size of a recording: a month at 26 Mbit/s."""

MOST_PICTURE_BYTES: Final = 2**27
"""Size of a screencapture: an 8K picture before it is compressed."""

_MOST_PIXELS: Final = 2**16
_LONGEST_TEXT: Final = 128

_MILLISECONDS_FROM: Final = 10**11
"""A time above this is in milliseconds: as seconds it would be the year 5138."""

_MAX_INTEGER: Final = 2**53

_SECRET: Final = re.compile(r"\S*(://|\?|txSecret=)\S*", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
"""No control characters in a name."""


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("bool", "a boolean is no number")
    return value


def _to_milliseconds(value: Any) -> int:
    number = value if type(value) is int else _NUMBER.validate_python(_no_bool(value))
    return round(number if number > _MILLISECONDS_FROM else number * 1000)


class _AbsentIfUnusable:
    """Makes None of whatever is refused, without a call of ours: most fields have it."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return with_default_schema(handler(source), default=None, on_error="default")


def _json_object(value: Any) -> dict[str, Any]:
    """Return an object, decoded if it was sent as JSON text; {} for whatever is none."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return {}
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; [] for whatever is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def integer(value: Any) -> int | None:
    """Return an integer from a number or a digit string, None for whatever is none."""
    if type(value) is int and -_MAX_INTEGER <= value <= _MAX_INTEGER:
        return value  # as nearly always; the rest takes ten times as long
    try:
        return _INTEGER.validate_python(value)
    except ValidationError:
        return None


def pixels(value: Any) -> int | None:
    """Return a picture's width or height, None for what is none: 0 while there is no picture."""
    number = integer(value)
    return number if number is not None and 0 < number <= _MOST_PIXELS else None


def ip_address(value: Any) -> str | None:
    """Return an IP address, None for what does not look like one."""
    return value if isinstance(value, str) and _ADDRESS.fullmatch(value) else None


def text(value: Any) -> str | None:
    """Return a text for people, printable and at most 128 characters long, None for what is none.

    Words that are URLs, or parts of them that hold secrets, become ``…``.
    """
    return _SECRET.sub("…", printable(value, _LONGEST_TEXT)) if isinstance(value, str) else None


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_absent = _AbsentIfUnusable()

Integer = Annotated[int, BeforeValidator(_no_bool), Field(ge=-_MAX_INTEGER, le=_MAX_INTEGER)]
_INTEGER: Final[TypeAdapter[int]] = TypeAdapter(Integer)
OptionalInteger = Annotated[Integer | None, _absent]

_NUMBER: Final[TypeAdapter[int | float]] = TypeAdapter(
    Annotated[int | float, Field(ge=0, allow_inf_nan=False)]
)
Milliseconds = Annotated[int, BeforeValidator(_to_milliseconds), Field(ge=0, le=_MAX_INTEGER)]
"""A Unix time in whole milliseconds, from seconds or milliseconds, a number or a text of one."""
OptionalMilliseconds = Annotated[Milliseconds | None, _absent]

Amount = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)]
OptionalPushMilliseconds = Annotated[
    Annotated[Amount, Field(le=MOST_PUSH_MILLISECONDS)] | None, _absent
]
OptionalRecordedSeconds = Annotated[
    Annotated[Amount, Field(le=MOST_RECORDED_SECONDS)] | None, _absent
]
OptionalFileBytes = Annotated[Annotated[Amount, Field(le=MOST_FILE_BYTES)] | None, _absent]
OptionalPictureBytes = Annotated[Annotated[Amount, Field(le=MOST_PICTURE_BYTES)] | None, _absent]

Domain = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253, to_lower=True, pattern=_PRINTABLE),
]
OptionalDomain = Annotated[Domain | None, _absent]

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=512, pattern=_PRINTABLE),
]
OptionalName = Annotated[Name | None, _absent]

_STREAM: Final[TypeAdapter[Stream]] = TypeAdapter(tuple[Domain, Name, Name])


def is_stream(stream: Stream) -> bool:
    """Return whether a packet can name a stream: push domain, app name, stream id."""
    try:
        return _STREAM.validate_python(stream) == stream
    except ValidationError:
        return False


Key = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
"""A value in which events differ; hashed, never shown."""
OptionalKey = Annotated[Key | None, _absent]

Word = Annotated[str, StringConstraints(max_length=512)]
"""A value of one of the wire's enumerations."""
OptionalWord = Annotated[Word | None, _absent]

Object = Annotated[dict[str, Any], BeforeValidator(_json_object)]
Objects = Annotated[list[dict[str, Any]], BeforeValidator(objects)]
List = Annotated[list[Any], BeforeValidator(_as_list)]
"""A list, also where an older packet has its only item."""
