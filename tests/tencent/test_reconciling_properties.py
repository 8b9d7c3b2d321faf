"""Whatever the platform answers, in whatever order: what is online stays, and heals in the end."""

from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.tencent import lies
from support.tencent.desk import rounds
from support.tencent.ledger import ReadLedger
from support.tencent.lies import Lie, Reply
from support.tencent.sending import entry_of
from support.tencent.server import Double
from support.tencent.world import Push, World, utc

from exporter.ledger.history import KeptPush
from exporter.metrics import catalogue
from exporter.tencent import streams

pytestmark = pytest.mark.long

DOMAIN = "push.example.com"
STATE = "DescribeLiveStreamState"
APPS = ("live", "show")
NAMES = ("camera-1", "camera-2")
STEADY = "steady"
"""App name of streams that are always online: more than a page."""

HOW = ("at once", "late", "lost")

FAILURES = (
    lies.fail("InternalError"),
    lies.fail("UnauthorizedOperation"),
    lies.error_with_charset("FailedOperation.CallOtherSvrFailed"),
    lies.fields(RequestId=None),
    lies.travelling(status=503),
    lies.travelling(cut_after=15),
    lies.travelling(body=b'{"Response": null}'),
)
BAD_LISTS = (
    *FAILURES,
    lies.fields(OnlineInfo=None),
    lies.fields(TotalNum=None),
    lies.fields(TotalNum=0),
    lies.fields(OnlineInfo=[]),
    lies.short("OnlineInfo"),
    lies.repeated(),
    lies.shifted("OnlineInfo"),
)
BAD_STATES = (
    *FAILURES,
    lies.fields(StreamState=None),
    lies.fields(StreamState="forbid"),
    lies.without("StreamState"),
)
"""What shows that it is no answer."""

NOBODY = lies.fields(OnlineInfo=[], TotalNum=0)
SOMEBODY = lies.fields(
    TotalNum=1,
    OnlineInfo=[
        {
            "DomainName": DOMAIN,
            "AppName": "live",
            "StreamName": "camera-1",
            "PublishTimeList": [{"PublishTime": utc(1790000000)}],
        }
    ],
)
INACTIVE = lies.fields(StreamState="inactive")
"""Lies that nobody can tell from the truth."""

SECRET = (NOBODY, SOMEBODY)
HONEST, SOME_BAD = st.just(Lie()), st.sampled_from(BAD_LISTS)
OF_LISTS = st.one_of(HONEST, HONEST, st.just(NOBODY), st.just(NOBODY), st.just(SOMEBODY), SOME_BAD)
OF_STATES = st.one_of(st.just(INACTIVE), st.just(INACTIVE), HONEST, st.sampled_from(BAD_STATES))


class Round(NamedTuple):
    """What answers of a round are: by app name, the page of steady streams, states."""

    live: Lie
    show: Lie
    steady: Lie
    page: int
    states: Lie
    meanwhile: str
    """What happens while the lists are asked for."""


ROUNDS = st.builds(
    Round,
    OF_LISTS,
    OF_LISTS,
    st.one_of(HONEST, SOME_BAD),
    st.integers(1, 3),
    OF_STATES,
    st.sampled_from(("nothing", "nothing", "begin", "end")),
)


class Platform(RuleBasedStateMachine):
    """Streams come and go, callbacks are lost or late, and the API lies.

    Two lists and a state say that a stream is gone: of these three one is never a lie that nobody
    can tell from the truth.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1790000000.0
        self.double = Double(World(clock=lambda: self.now)).__enter__()
        self.ledger = ReadLedger(lambda: self.now)
        pairs = [(DOMAIN, app) for app in (*APPS, STEADY)]
        self.rounds = rounds(self.double, self.ledger, pairs, lambda: self.now)
        self.kept_back: list[tuple[Push, str]] = []
        self.lied_before = False
        self.judged: set[bytes] = set()
        for number in range(12):
            push = self.double.world.begin(f"camera-{number:02}", app_name=STEADY)
            self._deliver(push, "push", "at once")

    def teardown(self) -> None:
        self.double.__exit__()

    def _deliver(self, push: Push, kind: str, how: str) -> None:
        if how == "at once":
            self.ledger.take(push, kind)
        elif how == "late":
            self.kept_back.append((push, kind))

    def _fleeting(self) -> list[Push]:
        return [one for one in self.double.world.online() if one.app_name != STEADY]

    @rule(name=st.sampled_from(NAMES), app=st.sampled_from(APPS), how=st.sampled_from(HOW))
    def begin(self, name: str, app: str, how: str) -> None:
        """Let a host begin, perhaps while another one pushes the same stream."""
        self.now += 1.25
        self._deliver(self.double.world.begin(name, app_name=app), "push", how)

    @precondition(lambda self: self._fleeting())
    @rule(data=st.data(), how=st.sampled_from(HOW))
    def end(self, data: st.DataObject, how: str) -> None:
        """Let a push end."""
        self.now += 1.25
        push = data.draw(st.sampled_from(self._fleeting()), label="push")
        self.double.world.end(push)
        self._deliver(push, "interruption", how)

    @precondition(lambda self: self.kept_back)
    @rule(data=st.data())
    def deliver_late(self, data: st.DataObject) -> None:
        """Let a callback come after all."""
        number = data.draw(st.integers(0, len(self.kept_back) - 1), label="callback")
        push, kind = self.kept_back.pop(number)
        self._deliver(push, kind, "at once")

    @rule(name=st.sampled_from(NAMES), app=st.sampled_from(APPS), is_banned=st.booleans())
    def ban(self, name: str, app: str, is_banned: bool) -> None:
        """Let the state of a stream be no word about it."""
        banned = self.double.world.banned
        (banned.add if is_banned else banned.discard)((DOMAIN, app, name))

    @rule(some=st.lists(ROUNDS, min_size=1, max_size=4))
    def make(self, some: list[Round]) -> None:
        """Make rounds of which some answers are lies, and in the midst of which things happen."""
        for one in some:
            self._make(one)

    def _make(self, one: Round) -> None:
        self.now += 60
        lies_now = any(lie in SECRET for lie in (one.live, one.show))
        of_states = (
            Lie() if self.lied_before and lies_now and one.states is INACTIVE else one.states
        )
        self.lied_before = lies_now
        told = {"live": one.live, "show": one.show, STEADY: one.steady}
        pending = [one.meanwhile]

        def answer(reply: Reply) -> None:
            app = reply.asked["AppName"]
            if reply.action == STATE:
                of_states.after(reply)
            elif app != STEADY or reply.asked["PageNum"] == one.page:
                told[app].after(reply)
            if pending and app == APPS[0]:
                self._happen(pending.pop())

        self.double.lie(Lie(after=answer), times=100)
        self.rounds.make()
        self.double.lies.clear()

    def _happen(self, what: str) -> None:
        self.now += 1.25
        if what == "begin":
            push = self.double.world.begin(NAMES[0], app_name=APPS[0])
            self._deliver(push, "push", "at once")
        elif what == "end" and (pushes := self._fleeting()):
            self.double.world.end(pushes[0])
            self._deliver(pushes[0], "interruption", "at once")

    @invariant()
    def nothing_that_is_online_was_closed(self) -> None:
        """Neither what callbacks opened, nor what the list did."""
        new = [one for one in self.ledger.closed() if one.identity not in self.judged]
        pushes = self.double.world.pushes if new else ()
        by_identity = {entry_of(one, "push").identity: one for one in pushes}
        for one in new:
            self.judged.add(one.identity)
            assert not self._goes_on(one, by_identity.get(one.identity))

    def _goes_on(self, closed: KeptPush, push: Push | None) -> bool:
        if push:
            return push.ended_at is None
        return any(
            one.stream == closed.stream and int(one.began_at) * 1000 == closed.began_at_ms
            for one in self.double.world.online()
        )

    @rule()
    def see_that_two_honest_rounds_tell_the_truth(self) -> None:
        """Of all streams but those whose state is no word, unless too many would go at once."""
        banned = self.double.world.banned
        before = self.ledger.count(catalogue.RECONCILED, "withheld")
        for _ in range(2):
            self.now += 60
            self.rounds.make()
        self.lied_before = False
        if self.ledger.count(catalogue.RECONCILED, "withheld") > before:
            return
        active = self.ledger.active_streams
        online = {push.stream for push in self.double.world.online()}
        assert active - banned == online - banned
        assert online <= active


def test_what_is_online_is_never_closed_and_all_heals(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Streams of three app names, those of one on two pages."""
    monkeypatch.setitem(streams.ONLINE_PAGE, "mainland", 10)
    run_state_machine_as_test(
        Platform,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
