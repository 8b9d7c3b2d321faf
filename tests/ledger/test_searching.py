"""Which streams are found by a part of their names, in every kind of ledger."""

import pytest
from support.ledgers import Open, entry

from exporter.ledger.history import StreamQuery

NAMES = ("Ägypten 100%", "under_score", "back\\slash", 'quo"ted', "日本-1")


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("%", {"Ägypten 100%"}),
        ("0%", {"Ägypten 100%"}),
        ("_", {"under_score"}),
        ("R_s", {"under_score"}),
        ("\\", {"back\\slash"}),
        ("K\\S", {"back\\slash"}),
        ('"', {'quo"ted'}),
        ("KS", set()),
        ("e%o", set()),
        ("本-", {"日本-1"}),
        ("Ägypten", {"Ägypten 100%"}),
        ("ÄGYPTEN", {"Ägypten 100%"}),
        ("ägypten", set()),  # only letters of ASCII are alike
        ("STAGE", set(NAMES)),
        ("live", set()),  # a push domain is searched by whole
    ],
)
def test_a_part_of_a_name_is_taken_literally(
    open_ledger: Open, part: str, expected: set[str], *, ended: bool
) -> None:
    """Whatever its characters mean to a pattern, to JSON or to a locale."""
    ledger = open_ledger()
    for number, name in enumerate(NAMES):
        own = {"stream_id": name, "sequence": str(number)}
        ledger.record(entry("push", **own), 1790000001)
        if ended:
            ledger.record(entry("interruption", **own), 1790000129)
    found = ledger.streams(StreamQuery(q=part)).streams
    assert {row.push.stream[2] for row in found} == expected
    assert all(row.push.is_open != ended for row in found)


@pytest.mark.parametrize("other", ["live.test", "live.test.example2", "live_test.example", "l%"])
def test_a_push_domain_is_that_alone(open_ledger: Open, other: str) -> None:
    """Not what it begins with, what begins with it or what is like it."""
    ledger = open_ledger()
    for number, domain in enumerate(("live.test.example", other)):
        ledger.record(entry("push", app=domain, sequence=str(number)), 1790000001)
    for domain in ("live.test.example", other):
        (row,) = ledger.streams(StreamQuery(push_domain=domain)).streams
        assert row.push.stream[0] == domain
