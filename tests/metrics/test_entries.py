"""What an event means to the ledger."""

from importlib import import_module
from pkgutil import iter_modules

import pytest
from support.packets import packet

from exporter.metrics import catalogue
from exporter.metrics.entries import NAMELESS, Entry, entry_for
from exporter.metrics.families import LONGEST_SOURCE_LABEL, Family
from exporter.protocol import events

LONGEST = "ä" * (LONGEST_SOURCE_LABEL // 2)


def entry(name: str, **fields: object) -> Entry:
    return entry_for(events.parse(packet(name, **fields)))


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"app": LONGEST, "appname": LONGEST}, (LONGEST, LONGEST)),
        ({"app": f"{LONGEST}a"}, ("other", "other")),
        ({"appname": f"{LONGEST}a"}, ("other", "other")),
        ({"appname": "x" * 512}, ("other", "other")),
    ],
)
def test_a_name_too_long_for_a_label_counts_under_other(
    fields: dict[str, str], source: tuple[str, str]
) -> None:
    """Two long names can be told apart as streams, and do not become one source by a cut."""
    one, another = (entry("push", **fields, stream_id=stream_id) for stream_id in "ab")
    assert one.source == another.source == source
    assert one.stream is not None
    assert one.stream != another.stream
    assert (source in NAMELESS) is (source == ("other", "other"))


def test_a_push_that_failed_is_counted_apart() -> None:
    """A push with an errcode is a failure, by code and cause, and no push begun."""
    assert entry("push", errcode=19).increments == (catalogue.PUSH_FAILURES.add("19", "rejected"),)
    assert entry("push", errcode=-5).increments == (
        catalogue.PUSH_FAILURES.add("other", "unknown"),
    )
    assert entry("push").increments == (catalogue.PUSHES.add("mainland"),)


def test_a_delay_is_whole_milliseconds() -> None:
    """Delay is receipt minus the packet's own time, exact, and never below 0."""
    push = entry("push", event_time=1790000000.123)
    assert (push.occurred_at_ms, push.occurred_at) == (1790000000123, 1790000000.123)
    for now, delay in ((1790000000.1239, 0.001), (1790000001.123, 1), (1790000000, 0)):
        assert push.counts_at(now)[-2:] == catalogue.DELAY.observe(delay, "push")


def test_every_family_is_in_the_catalogue_once() -> None:
    """Each family of each module is shown, by the ledger or by the process, under one name."""
    names = (module.name for module in iter_modules(catalogue.__path__, f"{catalogue.__name__}."))
    declared = {
        value
        for module in map(import_module, names)
        for value in vars(module).values()
        if isinstance(value, Family)
    }
    assert len(catalogue.BY_NAME) == len(declared)
    assert set(catalogue.BY_NAME.values()) == declared
    assert {one for one in declared if not one.of_process} == set(catalogue.LEDGER_FAMILIES)
    assert declared <= {value for value in vars(catalogue).values() if isinstance(value, Family)}


def test_an_unsigned_event_has_no_names_of_its_own() -> None:
    """They may be invented: the source is ``unknown``, and the stream stays what it is."""
    push = events.parse(packet("push"))
    unsigned = entry_for(push, signed=False)
    assert unsigned.source == ("unknown", "unknown")
    assert unsigned.stream == entry_for(push).stream
    assert entry_for(events.parse(packet("relay_taskexit")), signed=False).source is None
