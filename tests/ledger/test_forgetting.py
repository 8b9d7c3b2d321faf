"""What every ledger forgets, and when: identities, and open pushes gone silent."""

import time
from itertools import count

from support.ledgers import Open, entry, value
from support.packets import SOURCE
from support.programs import until

from exporter.ledger import Outcome
from exporter.ledger.history import By
from exporter.metrics import catalogue as c

ACTIVE = c.ACTIVE_STREAMS
PUSH, INTERRUPTION = entry("push"), entry("interruption")


def test_an_identity_is_forgotten_after_its_time(open_ledger: Open) -> None:
    """After ``dedupe_seconds`` the same packet is a new event."""
    ledger = open_ledger(dedupe_seconds=2)
    one = entry("recording")
    first = time.time()
    ledger.record(one, first)
    assert ledger.record(one, first).outcome is Outcome.DUPLICATE
    until(lambda: ledger.record(one, time.time()).outcome is Outcome.ACCEPTED, "it is forgotten")
    assert time.time() >= first + 2
    assert value(ledger, c.RECORDINGS, *SOURCE, "hls") == 2


def test_pushes_expire_in_the_ways_that_are_counted() -> None:
    """The reasons of the metric, which knows nothing of ledgers, are those of a push's end."""
    assert c.EXPIRED_PUSHES.labels["reason"] == (By.IDLE, By.RECONCILED)


def test_an_open_push_is_remembered_while_it_is_open(open_ledger: Open) -> None:
    """A push that outlasts ``dedupe_seconds`` is still recognised, and still closed."""
    ledger = open_ledger(dedupe_seconds=1)
    ledger.record(PUSH, time.time() - 60)
    recording = entry("recording")
    ledger.record(recording, time.time() - 60)
    until(
        lambda: ledger.record(recording, time.time()).outcome is Outcome.ACCEPTED,
        "older identities are forgotten",
    )
    assert ledger.record(PUSH, time.time()).outcome is Outcome.DUPLICATE
    assert value(ledger, c.PUSHES, *SOURCE, "mainland") == 1
    ledger.record(INTERRUPTION, time.time())
    assert value(ledger, c.OPEN_PUSHES) == 0


def test_idle_pushes_expire(open_ledger: Open) -> None:
    """A push is closed once its stream was silent for so long; any callback is a sign of life."""
    ledger = open_ledger(push_idle_seconds=3)
    heard = [time.time()]
    ledger.record(PUSH, heard[0])
    ledger.record(entry("push", sequence="2"), heard[0])  # the same stream
    kept = entry("push", sequence="3", stream_id="camera-8")

    def expired() -> int:
        heard.append(time.time())
        ledger.record(kept, heard[-1])
        return value(ledger, c.EXPIRED_PUSHES, *SOURCE, "idle")

    until(lambda: expired() == 2, "the idle pushes expire")
    assert time.time() >= heard[0] + 3
    if max(map(float.__sub__, heard[1:], heard)) < 3:  # else this machine stood still
        assert value(ledger, c.OPEN_PUSHES) == 1
        assert value(ledger, ACTIVE, *SOURCE, "mainland") == 1
    # Their interruptions, if they come after all, count as such and close nothing twice.
    assert ledger.record(INTERRUPTION, time.time()).outcome is Outcome.ACCEPTED
    assert value(ledger, c.EXPIRED_PUSHES, *SOURCE, "idle") == 2


def test_no_push_expires_without_a_limit(open_ledger: Open) -> None:
    """With 0 an open push stays open whatever its age, while identities are forgotten."""
    ledger = open_ledger(push_idle_seconds=0, dedupe_seconds=1)
    recording = entry("recording", stream_id="another")
    ledger.record(PUSH, 1)
    ledger.record(recording, 1)
    until(
        lambda: ledger.record(recording, time.time()).outcome is Outcome.ACCEPTED,
        "the ledger forgets what is old",
    )
    assert value(ledger, c.OPEN_PUSHES) == 1


def test_a_callback_is_a_sign_of_life_of_the_newest_push_only(open_ledger: Open) -> None:
    """A lost interruption does not keep a stream active for ever, however busy the stream is."""
    ledger = open_ledger(push_idle_seconds=3)
    began = int(time.time())
    ledger.record(PUSH, time.time())  # its interruption is lost
    ledger.record(entry("push", sequence="2", event_time=began), time.time())
    serial = count()

    def expired() -> int:
        ledger.record(entry("screencapture", pic_full_url=f"{next(serial)}"), time.time())
        return value(ledger, c.EXPIRED_PUSHES, *SOURCE, "idle")

    until(lambda: expired() == 1, "the older push expires")
    ledger.record(entry("interruption", sequence="2"), time.time())
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 0


def test_an_interruption_is_no_sign_of_life(open_ledger: Open) -> None:
    """What ends one push of a stream says nothing of another that is still open."""
    ledger = open_ledger(push_idle_seconds=3)
    ledger.record(PUSH, time.time())  # its interruption is lost
    serial = count(2)

    def expired() -> int:
        sequence, now = str(next(serial)), time.time()
        ledger.record(entry("push", sequence=sequence, event_time=int(now)), now)
        ledger.record(entry("interruption", sequence=sequence), now)
        return value(ledger, c.EXPIRED_PUSHES, *SOURCE, "idle")

    until(lambda: expired() == 1, "the push expires")
    assert value(ledger, ACTIVE, *SOURCE, "mainland") == 0
