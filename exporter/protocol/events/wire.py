"""Field types of the wire, tolerant where packets are known to differ.

Integers come as numbers or digit strings, times in seconds or milliseconds, lists as
null, nested JSON as text (docs/protocol.md section 3.13).  What a count depends on is
required and refused when unusable; an ``Optional...`` that cannot be used counts as absent.
"""

from typing import Annotated, Any, Final

import orjson
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

_MILLISECONDS_FROM: Final = 1e11
"""A time above this is in milliseconds: as seconds it would be the year 5138."""

_MAX_INTEGER: Final = 2**53

_PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
"""No control characters in a name."""


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("bool", "a boolean is no number")
    return value


def _to_seconds(value: float) -> float:
    return value / 1000 if value > _MILLISECONDS_FROM else value


def _absent_if_unusable(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


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
    try:
        return _INTEGER.validate_python(value)
    except ValidationError:
        return None


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


_absent = WrapValidator(_absent_if_unusable)

Integer = Annotated[int, BeforeValidator(_no_bool), Field(ge=-_MAX_INTEGER, le=_MAX_INTEGER)]
_INTEGER: Final[TypeAdapter[int]] = TypeAdapter(Integer)
OptionalInteger = Annotated[Integer | None, _absent]

Seconds = Annotated[
    float,
    BeforeValidator(_no_bool),
    AfterValidator(_to_seconds),
    Field(ge=0, le=_MAX_INTEGER, allow_inf_nan=False),
]
"""A Unix time, from seconds or milliseconds, as a number or a digit string."""
OptionalSeconds = Annotated[Seconds | None, _absent]

Amount = Annotated[int, BeforeValidator(_no_bool), Field(ge=0, le=2**46)]
"""A size, count or duration that adds to a counter."""
OptionalAmount = Annotated[Amount | None, _absent]

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

Key = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
"""A value that tells one event from another; hashed, never shown."""
OptionalKey = Annotated[Key | None, _absent]

Word = Annotated[str, StringConstraints(max_length=512)]
"""A value of one of the wire's enumerations."""
OptionalWord = Annotated[Word | None, _absent]

Object = Annotated[dict[str, Any], BeforeValidator(_json_object)]
Objects = Annotated[list[dict[str, Any]], BeforeValidator(objects)]
List = Annotated[list[Any], BeforeValidator(_as_list)]
"""A list, also where an older packet has its only item."""
