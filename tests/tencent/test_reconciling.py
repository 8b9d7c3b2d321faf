"""Rounds of reconciliation against the double, with a ledger of which callbacks were lost."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.tencent import lies
from support.tencent.desk import rounds
from support.tencent.ledger import ReadLedger
from support.tencent.sending import entry_of
from support.tencent.server import Double
from support.tencent.world import Push

from exporter.ledger import LedgerUnavailable
from exporter.metrics import catalogue

LIST = "DescribeLiveStreamOnlineList"
STATE = "DescribeLiveStreamState"


@pytest.fixture
def ledger() -> ReadLedger:
    return ReadLedger()


@pytest.fixture
def lost(double: Double, ledger: ReadLedger) -> Push:
    """Return a push whose interruption was lost, beside others that go on."""
    for number in range(20):
        ledger.take(double.world.begin(f"other-{number}"))
    push = double.world.begin("camera-1")
    ledger.take(push)
    double.world.end(push)
    return push


def test_a_lost_interruption_heals_with_the_second_round(
    double: Double, ledger: ReadLedger, lost: Push
) -> None:
    """Its state is asked once, by then, and no other stream's."""
    one = rounds(double, ledger)
    one.make()
    assert lost.stream_id in ledger.active
    assert double.actions() == [LIST]
    one.make()
    assert ledger.active == {f"other-{number}" for number in range(20)}
    assert double.actions() == [LIST, LIST, STATE]
    assert ledger.count(catalogue.RECONCILED, "closed") == 1
    assert ledger.count(catalogue.LAST_RECONCILIATION)


def test_a_lost_push_event_heals_with_the_second_round(double: Double, ledger: ReadLedger) -> None:
    """The event joins what was opened if it comes after all."""
    ledger.take(double.world.begin("camera-1"))
    push = double.world.begin("camera-2")
    one = rounds(double, ledger)
    one.make()
    one.make()
    assert ledger.active == {"camera-1", "camera-2"}
    assert ledger.count(catalogue.RECONCILED, "opened") == 1
    ledger.take(push)
    assert sum(one.stream == push.stream for one in ledger.open_pushes()) == 1


def test_only_pairs_that_matter_are_asked_for(double: Double, ledger: ReadLedger) -> None:
    """Those with open pushes, those configured, and those that had some; each by both names."""
    push = double.world.begin("camera-1", app_name="show")
    ledger.take(push)
    one = rounds(double, ledger, configured=[("other.example.com", "live")])
    one.make()
    double.world.end(push)
    ledger.take(push, "interruption")
    one.make()
    asked = {(call.fields["DomainName"], call.fields["AppName"]) for call in double.calls}
    assert asked == {("push.example.com", "show"), ("other.example.com", "live")}
    assert len(double.calls) == 4


def test_nothing_is_asked_if_there_is_nothing_to_ask(double: Double, ledger: ReadLedger) -> None:
    """An empty ledger needs no API."""
    rounds(double, ledger).make()
    assert double.actions() == []


WRONG: dict[str, Any] = {
    "null": lies.fields(OnlineInfo=None),
    "null total": lies.fields(TotalNum=None),
    "no list": lies.without("OnlineInfo"),
    "short": lies.short("OnlineInfo"),
    "more than said": lies.fields(TotalNum=1),
    "another page": lies.fields(PageNum=2),
    "a stream without a name": lies.fields(OnlineInfo=[{"DomainName": "x"}], TotalNum=1),
    "charset": lies.error_with_charset("InternalError.DBError"),
    "status": lies.travelling(status=502, body=b"<html>"),
    "cut": lies.travelling(cut_after=10),
    "hang": lies.travelling(hang_seconds=30),
    "drip": lies.travelling(drip_seconds=0.2),
    "throttled": lies.refuse("RequestLimitExceeded"),
    "refused": lies.refuse("UnauthorizedOperation"),
    "not documented": lies.refuse("Marvellous"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("first", [True, False])
def test_a_list_that_is_none_proves_nothing(
    double: Double, ledger: ReadLedger, lost: Push, name: str, first: bool
) -> None:
    """It takes two more, and is counted."""
    one = rounds(double, ledger)
    if not first:
        one.make()
    double.lie(WRONG[name], LIST)
    one.make()
    assert lost.stream_id in ledger.active
    assert STATE not in double.actions()
    assert sum(ledger.errors().values()) == 1
    one.make()
    assert lost.stream_id in ledger.active
    one.make()
    assert lost.stream_id not in ledger.active


STATES: dict[str, Any] = {
    "null": lies.fields(StreamState=None),
    "forbid": lies.fields(StreamState="forbid"),
    "another word": lies.fields(StreamState="Inactive "),
    "nothing": lies.without("StreamState"),
    "charset": lies.error_with_charset("InternalError.StreamStatusError"),
    "error": lies.refuse("ResourceNotFound.UserNotExist"),
    "cut": lies.travelling(cut_after=10),
    "hang": lies.travelling(hang_seconds=30),
}


@pytest.mark.parametrize("name", STATES)
def test_a_state_that_is_none_proves_nothing(
    double: Double, ledger: ReadLedger, lost: Push, name: str
) -> None:
    """The next one does."""
    one = rounds(double, ledger)
    one.make()
    double.lie(STATES[name], STATE)
    one.make()
    assert lost.stream_id in ledger.active
    one.make()
    assert lost.stream_id not in ledger.active


def test_a_stream_that_is_back_is_not_closed(
    double: Double, ledger: ReadLedger, lost: Push
) -> None:
    """It came back after the second list was answered."""
    one = rounds(double, ledger)
    one.make()

    def return_() -> None:
        double.world.begin(lost.stream_id)

    double.lie(lies.Lie(after=lambda reply: return_()), LIST)
    one.make()
    assert lost.stream_id in ledger.active


def test_a_push_that_began_after_the_list_is_not_closed(
    double: Double, ledger: ReadLedger, lost: Push
) -> None:
    """Its event comes while the platform answers; the older one of its stream is closed."""
    one = rounds(double, ledger)
    one.make()
    new: list[Push] = []

    def return_() -> None:
        new.append(double.world.begin(lost.stream_id))
        ledger.take(new[0])

    double.lie(lies.Lie(after=lambda reply: return_()), STATE)
    one.make()
    assert lost.stream_id in ledger.active
    still = [one.identity for one in ledger.open_pushes() if one.stream == lost.stream]
    assert still == [entry_of(new[0], "push").identity]


def test_the_clock_of_the_exporter_does_not_matter(double: Double, lost: Push) -> None:
    """Nor that of the ledger: one is a day ahead, one a day behind."""
    for clock in (lambda: time.time() + 86400, lambda: time.time() - 86400):
        ledger = ReadLedger(clock)
        ledger.take(lost)
        one = rounds(double, ledger, clock=clock)
        one.make()
        one.make()
        assert lost.stream_id not in ledger.active
        assert len(ledger.active) == 20


def test_too_many_at_once_are_withheld(double: Double, ledger: ReadLedger) -> None:
    """And counted, round after round."""
    for number in range(9):
        push = double.world.begin(f"camera-{number}")
        ledger.take(push)
        double.world.end(push)
    one = rounds(double, ledger)
    for _ in range(3):
        one.make()
    assert len(ledger.active) == 9
    assert ledger.count(catalogue.RECONCILED, "withheld") == 18


def test_a_failing_api_is_left_alone_for_a_while(double: Double, ledger: ReadLedger) -> None:
    """Three failures that may pass are enough; the pairs that failed come last next time."""
    for number in range(10):
        ledger.take(double.world.begin("camera-1", app_name=f"app-{number}"))
    one = rounds(double, ledger)
    double.lie(lies.refuse("InternalError"), times=3)
    one.make()
    assert len(double.calls) == 3
    assert ledger.errors() == {"InternalError": 3}
    failed = {call.fields["AppName"] for call in double.calls}
    del double.calls[:]
    one.make()
    assert {call.fields["AppName"] for call in double.calls[-3:]} == failed
    assert len(double.calls) == 10


def test_what_is_not_allowed_does_not_keep_from_the_rest(
    double: Double, ledger: ReadLedger
) -> None:
    """A policy may be limited to some push domains."""
    for number in range(10):
        ledger.take(double.world.begin("camera-1", app_name=f"app-{number}"))
    double.lie(lies.refuse("UnauthorizedOperation"), times=5)
    rounds(double, ledger).make()
    assert len(double.calls) == 10
    assert ledger.errors() == {"UnauthorizedOperation": 5}
    assert not ledger.count(catalogue.LAST_RECONCILIATION)


def test_only_one_of_several_asks(double: Double, ledger: ReadLedger, lost: Push) -> None:
    """When it lets go, or falls silent, another begins from nothing."""
    first, second = rounds(double, ledger), rounds(double, ledger)
    first.make()
    second.make()
    assert len(double.calls) == 1
    first.release()
    second.make()
    assert lost.stream_id in ledger.active
    first.make()
    second.make()
    assert lost.stream_id not in ledger.active


class AwayLedger(ReadLedger):
    """A ledger that cannot be asked."""

    def open_pushes(self) -> Any:
        raise LedgerUnavailable("away")


class BrokenLedger(ReadLedger):
    """A ledger with a fault of ours."""

    def open_pushes(self) -> Any:
        raise ZeroDivisionError


@pytest.mark.parametrize("kind", [AwayLedger, BrokenLedger])
def test_whatever_happens_the_next_round_is_made(double: Double, kind: type[ReadLedger]) -> None:
    """A ledger that is away, a fault of our own."""
    ledger = kind()
    rounds(double, ledger).make()
    assert ledger.errors() == {"other": 1}


def test_without_credentials_each_round_says_so(
    double: Double, ledger: ReadLedger, lost: Push, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may have been there at the start."""
    monkeypatch.delenv("TENCENTCLOUD_SECRET_ID")
    monkeypatch.setenv("HOME", "/nowhere")
    rounds(double, ledger).make()
    assert ledger.errors() == {"other": 1}


@pytest.fixture(autouse=True)
def nothing_is_left(double: Double) -> Iterator[None]:
    """See that each lie was used."""
    yield
    assert not double.lies
