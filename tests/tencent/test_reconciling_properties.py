"""Whatever the platform answers, in whatever order: what is online stays, and heals in the end."""

from collections.abc import Callable

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
from support.tencent.lies import Lie, Reply
from support.tencent.sending import entry_of
from support.tencent.server import Double
from support.tencent.tiny_ledger import Row, TinyLedger
from support.tencent.world import Push, World, utc

from exporter.metrics import catalogue
from exporter.tencent import streams

LIST = "DescribeLiveStreamOnlineList"
STATE = "DescribeLiveStreamState"
APPS = ("live", "show")
NAMES = ("camera-1", "camera-2")
STEADY = 12
"""Streams that are always online: more than a page."""

FAILURES = (
    lies.refuse("InternalError"),
    lies.refuse("UnauthorizedOperation"),
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
            "DomainName": "push.example.com",
            "AppName": "live",
            "StreamName": "camera-1",
            "PublishTimeList": [{"PublishTime": utc(1790000000)}],
        }
    ],
)
INACTIVE = lies.fields(StreamState="inactive")
"""Lies that nobody can tell from the truth."""


class Platform(RuleBasedStateMachine):
    """Streams come and go, callbacks are lost or late, and the API lies.

    It lies in lists or in states so that nobody can tell, not in both: three such lies about one
    stream would be the truth to anybody.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1790000000.0
        self.double = Double(World(clock=lambda: self.now)).__enter__()
        self.ledger = TinyLedger(lambda: self.now)
        self.rounds = rounds(
            self.double, self.ledger, [("push.example.com", app) for app in APPS], lambda: self.now
        )
        self.kept_back: list[tuple[Push, str]] = []
        self.lists_lie = True
        self.judged: set[bytes] = set()
        for number in range(STEADY):
            self._deliver(self.double.world.begin(f"steady-{number:02}"), "push", "at once")

    def teardown(self) -> None:
        self.double.__exit__()

    def _deliver(self, push: Push, kind: str, how: str) -> None:
        if how == "at once":
            self.ledger.record(entry_of(push, kind), self.now)
        elif how == "late":
            self.kept_back.append((push, kind))

    def _online(self) -> set[tuple[str, str, str]]:
        return {push.stream for push in self.double.world.online()}

    def _dynamic(self) -> list[Push]:
        return [one for one in self.double.world.online() if one.stream_id in NAMES]

    @rule(
        name=st.sampled_from(NAMES),
        app=st.sampled_from(APPS),
        how=st.sampled_from(("at once", "late", "lost")),
    )
    def begin(self, name: str, app: str, how: str) -> None:
        """Let a host begin, perhaps while another one pushes the same stream."""
        self.now += 1.25
        self._deliver(self.double.world.begin(name, app_name=app), "push", how)

    @precondition(lambda self: self._dynamic())
    @rule(data=st.data(), how=st.sampled_from(("at once", "late", "lost")))
    def end(self, data: st.DataObject, how: str) -> None:
        """Let a push end."""
        self.now += 1.25
        push = data.draw(st.sampled_from(self._dynamic()), label="push")
        self.double.world.end(push)
        self._deliver(push, "interruption", how)

    @precondition(lambda self: self.kept_back)
    @rule(data=st.data())
    def deliver_late(self, data: st.DataObject) -> None:
        """Let a callback come after all."""
        number = data.draw(st.integers(0, len(self.kept_back) - 1), label="callback")
        push, kind = self.kept_back.pop(number)
        self._deliver(push, kind, "at once")

    @rule(lists=st.booleans())
    def lie_about(self, lists: bool) -> None:
        """From now on the other kind of answer is what nobody can trust."""
        self.lists_lie = lists
        self.rounds._before = type(self.rounds._before)()  # no round has both kinds before it

    @rule(name=st.sampled_from(NAMES), app=st.sampled_from(APPS), is_banned=st.booleans())
    def ban(self, name: str, app: str, is_banned: bool) -> None:
        """Let the state of a stream be no word about it."""
        stream = ("push.example.com", app, name)
        (self.double.world.banned.add if is_banned else self.double.world.banned.discard)(stream)

    @rule(
        in_lists=st.lists(
            st.sampled_from((None, None, NOBODY, NOBODY, SOMEBODY, *BAD_LISTS)), max_size=4
        ),
        in_states=st.lists(st.sampled_from((None, None, INACTIVE, *BAD_STATES)), max_size=3),
        meanwhile=st.lists(st.sampled_from(("begin", "end", "nothing")), max_size=2),
    )
    def round(
        self, in_lists: list[Lie | None], in_states: list[Lie | None], meanwhile: list[str]
    ) -> None:
        """Make a round in which some answers are lies, and in the midst of which things happen."""
        self.now += 60
        for what in meanwhile:
            self.double.lie(Lie(after=self._happening(what)), LIST)
        secret = (INACTIVE,) if self.lists_lie else (NOBODY, SOMEBODY)
        for action, told in ((LIST, in_lists), (STATE, in_states)):
            for lie in told:
                self.double.lie(Lie() if lie is None or lie in secret else lie, action)
        self.rounds.make()
        self.double.lies.clear()

    def _happening(self, what: str) -> Callable[[Reply], None]:
        def happen(_reply: Reply) -> None:
            self.now += 1.25
            if what == "begin":
                push = self.double.world.begin(NAMES[0], app_name=APPS[0])
                self._deliver(push, "push", "at once")
            elif what == "end" and (pushes := self._dynamic()):
                self.double.world.end(pushes[0])
                self._deliver(pushes[0], "interruption", "at once")

        return happen

    @invariant()
    def nothing_that_is_online_was_closed(self) -> None:
        """Neither what callbacks opened, nor what the list did."""
        by_identity = {entry_of(one, "push").identity: one for one in self.double.world.pushes}
        for row in self.ledger.rows.values():
            if row.ended_by == "reconciled" and row.identity not in self.judged:
                self.judged.add(row.identity)
                assert not self._goes_on(row, by_identity.get(row.identity))

    def _goes_on(self, row: Row, push: Push | None) -> bool:
        if push:
            return push.ended_at is None
        return any(
            one.stream == row.stream and int(one.began_at) * 1000 == row.began_at_ms
            for one in self.double.world.online()
        )

    @rule()
    def see_that_two_honest_rounds_tell_the_truth(self) -> None:
        """Of all streams but those whose state is no word, unless too many would go at once."""
        banned = self.double.world.banned
        withheld = (catalogue.RECONCILED.name, "withheld", "")
        before = self.ledger.counts[withheld]
        for _ in range(2):
            self.now += 60
            self.rounds.make()
        if self.ledger.counts[withheld] > before:
            return
        active = self.ledger.open_streams().keys()
        assert active - banned == self._online() - banned
        assert self._online() <= active


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let lists have several pages."""
    monkeypatch.setitem(streams.ONLINE_PAGE, "mainland", 10)


def test_what_is_online_is_never_closed_and_all_heals(double: Double, small_pages: None) -> None:
    """Streams of two app names, one of them on two pages."""
    run_state_machine_as_test(
        Platform,
        settings=settings(
            max_examples=60,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
