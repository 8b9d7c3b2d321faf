"""Numbers of the wire mean what Tencent documents: set_id and errcode."""

from typing import Any

import pytest
from support.packets import EMPTY, packet

from exporter.protocol import events
from exporter.protocol.errcodes import CAUSES, ERRCODES, errcode_of


@pytest.mark.parametrize(
    ("set_id", "origin"),
    [
        *((number, "mainland") for number in (1, 2, 6, "6")),
        *((number, "overseas") for number in (7, 8, 200, "7")),
        *((number, "unknown") for number in (0, 201, -1, 2**60, None, "x", 1.5, True, *EMPTY)),
    ],
)
def test_origin_of_set_id(set_id: Any, origin: str) -> None:
    """1 to 6 is the mainland, 7 to 200 overseas, anything else unknown."""
    event = events.parse(packet("push") | {"set_id": set_id})
    assert isinstance(event, events.Push)
    assert event.origin == origin


CAUSE_OF = {
    "client_stop": (1, 2, 3, 4, 35),
    "client_network": (6, 7, 8, 12, 13, 14, 15, 16, 17, 20, 23, 33, 39),
    "rejected": (18, 19),
    "platform": (5, 9, 10, 11, 24, 37, 38),
    "operator": (21,),
    "unknown": (0, 22, 25, 26, 27, 28, 29, 30, 31, 32, 34, 36),
}


@pytest.mark.parametrize(
    ("code", "cause"), [(code, cause) for cause, codes in CAUSE_OF.items() for code in codes]
)
def test_cause_of_errcode(code: int, cause: str) -> None:
    """Every documented errcode has its own label and its cause."""
    event = events.parse(packet("interruption", errcode=code))
    assert isinstance(event, events.Interruption)
    assert (event.errcode.code, event.errcode.cause) == (str(code), cause)
    assert event.errcode.description


@pytest.mark.parametrize("code", [-1, 40, 99, 501, 2**40])
def test_undocumented_errcode_is_other(code: int) -> None:
    """Any other number is ``other``, of unknown cause."""
    assert (errcode_of(code).code, errcode_of(code).cause) == ("other", "unknown")


def test_the_table_of_errcodes_is_complete() -> None:
    """0 to 39 but none more are documented; every cause is in use."""
    documented = {code for codes in CAUSE_OF.values() for code in codes}
    assert {errcode.code for errcode in ERRCODES} == {"other", *map(str, documented)}
    assert documented == set(range(40))
    assert {errcode.cause for errcode in ERRCODES} == set(CAUSES)
