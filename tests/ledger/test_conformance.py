"""What every ledger promises (``exporter.ledger.interface``), of every kind of ledger."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.ledgers import Open, entry, numbers, value
from support.packets import SOURCE, all_packets
from support.programs import until

from exporter.ledger import Outcome
from exporter.metrics import catalogue as c
from exporter.metrics.entries import entry_for
from exporter.protocol.events import parse

ACTIVE = c.ACTIVE_STREAMS
PUSH, INTERRUPTION = entry("push"), entry("interruption")


def test_an_entry_is_counted_whole(open_ledger: Open) -> None:
    """An interruption adds to every family that it is about, and to the receipts."""
    ledger = open_ledger()
    occurred = INTERRUPTION.occurred_at
    assert occurred is not None
    assert ledger.record(INTERRUPTION, occurred + 3).outcome is Outcome.ACCEPTED
    duration, delay = c.PUSH_DURATION.name, c.DELAY.name
    assert numbers(ledger) == {
        (c.INTERRUPTIONS.name, *SOURCE, "mainland", "1", "client_stop", ""): 1,
        (duration, *SOURCE, "mainland", "300"): 1,
        (duration, *SOURCE, "mainland", "sum"): 128581,
        (c.CALLBACKS.name, "interruption", ""): 1,
        (delay, "interruption", "5"): 1,
        (delay, "interruption", "sum"): 3000,
        (c.LAST_CALLBACK.name, "interruption", ""): round((occurred + 3) * 1000),
        (c.SOURCES.name, ""): 1,
        (c.SERIES.name, ""): 2,
    }


def test_an_open_push_makes_its_stream_active(open_ledger: Open) -> None:
    """A push opens, its interruption closes, and the oldest open push is known."""
    ledger = open_ledger()
    assert ledger.snapshot().oldest_open_push is None
    ledger.record(PUSH, 1790000001)
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 1
    assert value(ledger, c.OPEN_PUSHES) == 1
    assert ledger.snapshot().oldest_open_push == 1790000000
    ledger.record(INTERRUPTION, 1790000129)
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 0
    assert value(ledger, c.OPEN_PUSHES) == 0
    assert ledger.snapshot().oldest_open_push is None


@pytest.mark.parametrize("name", sorted(all_packets()))
def test_a_redelivery_counts_as_nothing_but_a_duplicate(open_ledger: Open, name: str) -> None:
    """The second receipt of a packet changes only the duplicates of its event."""
    ledger = open_ledger()
    one = entry(name)
    assert ledger.record(one, 1790000500).outcome is Outcome.ACCEPTED
    before = numbers(ledger)
    for _ in range(2):
        assert ledger.record(one, 1790000600).outcome is Outcome.DUPLICATE
    assert numbers(ledger) == before | {(c.DUPLICATES.name, one.event, ""): 2}


def test_a_push_after_its_interruption_is_late(open_ledger: Open) -> None:
    """A late push is counted but opens nothing; its redelivery is a duplicate."""
    ledger = open_ledger()
    ledger.record(INTERRUPTION, 1790000200)
    assert ledger.record(PUSH, 1790000201).outcome is Outcome.LATE
    assert ledger.record(PUSH, 1790000202).outcome is Outcome.DUPLICATE
    assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 1
    assert value(ledger, c.OPEN_PUSHES) == 0
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 0


def test_an_interruption_closes_only_its_own_push(open_ledger: Open) -> None:
    """A late interruption of the previous push leaves the stream active."""
    ledger = open_ledger()
    ledger.record(PUSH, 1790000001)
    ledger.record(entry("push", sequence="2", event_time=1790000130), 1790000131)
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 1
    assert value(ledger, c.OPEN_PUSHES) == 2
    ledger.record(INTERRUPTION, 1790000132)
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 1
    assert ledger.snapshot().oldest_open_push == 1790000130
    ledger.record(entry("interruption", sequence="3"), 1790000133)
    assert value(ledger, c.OPEN_PUSHES) == 1


def test_a_stream_has_the_origin_of_its_newest_open_push(open_ledger: Open) -> None:
    """The origin follows the newest push by the packet's own time, back again when it ends."""
    ledger = open_ledger()
    ledger.record(PUSH, 1790000010)
    ledger.record(entry("push", sequence="2", set_id=7, event_time=1790000005), 1790000010)
    ledger.record(entry("push", sequence="3", set_id=0, event_time=1789999999), 1790000010)
    assert value(ledger, ACTIVE, *SOURCE, "overseas") == 1
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 0
    ledger.record(entry("interruption", sequence="2"), 1790000020)
    assert value(ledger, ACTIVE, *SOURCE, "overseas") == 0
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 1
    ledger.record(INTERRUPTION, 1790000021)
    assert value(ledger, ACTIVE, *SOURCE, "unknown") == 1


def test_a_stream_of_many_open_pushes_is_active_until_the_last(open_ledger: Open) -> None:
    """However many pushes of one stream are open, each end shows the newest that is left."""
    ledger = open_ledger()
    names, set_ids = ("mainland", "overseas"), (2, 100)
    for number in range(40):
        began = {"event_time": 1790000000 + number, "set_id": set_ids[number % 2]}
        ledger.record(entry("push", sequence=str(number), **began), 1790000100)
    for number in reversed(range(40)):
        shown = [value(ledger, ACTIVE, *SOURCE, name) for name in names]
        assert shown == [1 - number % 2, number % 2]
        assert value(ledger, c.OPEN_PUSHES) == number + 1
        ledger.record(entry("interruption", sequence=str(number)), 1790000200)
    assert [value(ledger, ACTIVE, *SOURCE, name) for name in names] == [0, 0]
    assert value(ledger, c.OPEN_PUSHES) == 0


def test_a_stream_is_a_domain_an_app_and_a_name(open_ledger: Open) -> None:
    """The same stream name on another domain or path is another stream."""
    ledger = open_ledger()
    ledger.record(PUSH, 1790000001)
    ledger.record(entry("push", sequence="2", app="other.example"), 1790000001)
    ledger.record(entry("push", sequence="3", appname="backstage"), 1790000001)
    for source in (SOURCE, ("other.example", "stage"), (SOURCE[0], "backstage")):
        assert value(ledger, ACTIVE, *source, "mainland") == 1


def test_a_push_that_failed_opens_nothing(open_ledger: Open) -> None:
    """A failure is counted once, whatever becomes of its sequence before or after."""
    ledger = open_ledger()
    failed = entry("push", errcode=19)
    for one in (failed, PUSH, failed):
        ledger.record(one, 1790000001)
    assert value(ledger, c.PUSH_FAILURES, *SOURCE, "19", "rejected") == 1
    assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 1
    assert value(ledger, c.OPEN_PUSHES) == 1


def test_tallies_arrive_without_a_commit_of_their_own(open_ledger: Open) -> None:
    """Tallied increments are in the next commit, or arrive alone soon after."""
    ledger = open_ledger()
    forged = c.REJECTIONS.add("bad_signature")
    for _ in range(5):
        ledger.tally([forged])
    ledger.record(PUSH, 1790000001)
    assert value(ledger, c.REJECTIONS, "bad_signature") == 5
    ledger.tally([forged, c.REJECTIONS.add("expired")])
    until(lambda: value(ledger, c.REJECTIONS, "expired") == 1, "the tally arrives")
    assert value(ledger, c.REJECTIONS, "bad_signature") == 6


def test_a_series_keeps_the_time_of_its_first_event(open_ledger: Open) -> None:
    """``created_at`` is the time of a series' first event, whatever comes later."""
    ledger = open_ledger()
    first = time.time()
    for number, now in enumerate((first, first + 100_000, first + 200_000)):
        ledger.record(entry("push", sequence=str(number)), now)
    cells = ledger.snapshot().cells
    (created_at,) = {cell.created_at for cell in cells if cell.family == c.PUSHES.name}
    assert abs(created_at - first) < 50_000


def test_the_last_callback_is_the_latest(open_ledger: Open) -> None:
    """A receipt that was committed later but received earlier does not set the clock back."""
    ledger = open_ledger()
    ledger.record(PUSH, 1790000200.25)
    ledger.record(entry("push", sequence="2"), 1790000100)
    assert value(ledger, c.LAST_CALLBACK, "push") == 1790000200250


def test_concurrent_entries_are_each_counted_once(open_ledger: Open) -> None:
    """Many threads with many repetitions: one of each identity is accepted."""
    ledger = open_ledger()
    one_each = [entry("recording", record_file_id=str(number)) for number in range(60)]
    start = threading.Barrier(16)

    def deliver(_: int) -> list[Outcome]:
        start.wait()
        return [ledger.record(one, 1790000200).outcome for one in one_each]

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(outcome for found in pool.map(deliver, range(16)) for outcome in found)
    assert outcomes == {Outcome.ACCEPTED: 60, Outcome.DUPLICATE: 900}
    assert value(ledger, c.RECORDINGS, *SOURCE, "hls") == 60
    assert value(ledger, c.RECORDED_SECONDS, *SOURCE, "hls") == 60 * 154
    assert value(ledger, c.DUPLICATES, "recording") == 900


def test_a_healthy_ledger_says_so(open_ledger: Open) -> None:
    """``check`` returns and there is no failure."""
    ledger = open_ledger()
    ledger.check()
    assert ledger.failure is None


def test_a_ledger_opened_again_is_the_same(open_durable: Open) -> None:
    """Counts, open pushes, sources and identities outlive the process, and so do tallies."""
    ledger = open_durable()
    for sample in all_packets().values():
        ledger.record(entry_for(parse(sample)), 1790000200)
    ledger.record(entry("push", sequence="2"), 1790000200)
    ledger.tally([c.REJECTIONS.add("expired")])
    before = numbers(ledger) | {(c.REJECTIONS.name, "expired", ""): 1}
    oldest = ledger.snapshot().oldest_open_push
    ledger.close()

    again = open_durable()
    assert numbers(again) == before
    assert again.snapshot().oldest_open_push == oldest == 1790000000
    assert again.record(PUSH, 1790000300).outcome is Outcome.DUPLICATE
    again.record(entry("interruption", sequence="2"), 1790000300)
    assert value(again, c.OPEN_PUSHES) == 0
    assert value(again, c.SOURCES) == 1


def test_two_that_share_a_store_are_one_ledger(open_durable: Open) -> None:
    """What one has committed the other shows, and recognises."""
    one, other = open_durable(), open_durable()
    assert one.record(PUSH, 1790000001).outcome is Outcome.ACCEPTED
    assert other.record(PUSH, 1790000002).outcome is Outcome.DUPLICATE
    assert other.record(INTERRUPTION, 1790000200).outcome is Outcome.ACCEPTED
    assert numbers(one) == numbers(other)
    assert value(one, c.OPEN_PUSHES) == 0
    one.close()
    assert other.record(INTERRUPTION, 1790000200).outcome is Outcome.DUPLICATE


def test_two_pushes_a_microsecond_apart_are_counted_once(open_ledger: Open) -> None:
    """Whichever is the newer one of two of one stream, every ledger sees the same, to the end."""
    ledger = open_ledger()
    for number, at, set_id in (("4", 1790000000.1000001, 2), ("5", 1790000000.1000002, 7)):
        ledger.record(entry("push", sequence=number, event_time=at, set_id=set_id), 1790000001)
    for number in "54":
        ledger.record(entry("interruption", sequence=number), 1790000002)
    assert [key for key in numbers(ledger) if key[0] == ACTIVE.name] == []
    assert ledger.snapshot().oldest_open_push is None
