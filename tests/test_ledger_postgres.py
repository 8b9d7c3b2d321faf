"""What is PostgreSQL's own: the start, batches, races between replicas, limits of time."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any, Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.daemon import Daemon
from support.ledgers import entry, numbers, opening, postgres_server, value
from support.packets import packet
from support.postgres import Postgres
from support.programs import until

from exporter import catalogue as c
from exporter.entries import Entry
from exporter.ledger import Ledger, LedgerRefused, LedgerUnavailable, Limits, Outcome, open_ledger
from exporter.ledger.postgres import PostgresStore
from exporter.ledger.postgres.schema import LOCKS
from exporter.ledger.postgres.tables import STRIPES
from exporter.ledger.posting import Posting

NOW = 1790009000.0
LIMITS = Limits(dedupe_seconds=1e9, push_idle_seconds=1e9)
PUSH, INTERRUPTION = entry("push"), entry("interruption")


@pytest.fixture
def server() -> Postgres:
    """Return the server that all tests share; must be left running."""
    return postgres_server()


@pytest.fixture
def url(server: Postgres) -> str:
    """Return the URL of a ledger in a database of its own."""
    return server.database()


def _name(url: str) -> str:
    return url.rpartition("/")[2]


# --- The start


def test_ten_start_at_once_on_an_empty_database(server: Postgres) -> None:
    """One makes the tables, the others find them."""
    start = threading.Barrier(10)

    def begin(url: str) -> None:
        store = PostgresStore(url, LIMITS)
        start.wait()
        store.open()
        store.close()

    with ThreadPoolExecutor(10) as pool:
        for _ in range(5):
            list(pool.map(begin, [server.only_database()] * 10))


def test_a_newer_ledger_is_refused(server: Postgres, url: str) -> None:
    """What a newer version wrote must not be changed by an older one."""
    open_ledger(url, LIMITS).close()
    with server.admin(_name(url)) as admin:
        admin.execute("UPDATE css_exporter.ledger SET version = 99")
    with pytest.raises(LedgerRefused, match="version 99"):
        open_ledger(url, LIMITS)


def test_a_foreign_schema_is_refused(server: Postgres, url: str) -> None:
    """A schema of our name with tables that are not ours stays as it is."""
    with server.admin(_name(url)) as admin:
        admin.execute("CREATE SCHEMA css_exporter AUTHORIZATION css")
        admin.execute("CREATE TABLE css_exporter.theirs (id int)")
    with pytest.raises(LedgerRefused, match="none of this program"):
        open_ledger(url, LIMITS)


def test_a_schema_of_the_role_is_all_it_needs(server: Postgres, url: str) -> None:
    """With a schema made for it the role needs no right to make one; without, it is refused."""
    with server.admin(_name(url)) as admin:
        admin.execute(f"REVOKE CREATE ON DATABASE {_name(url)} FROM css")
        with pytest.raises(LedgerRefused, match="AUTHORIZATION"):
            open_ledger(url, LIMITS)
        admin.execute("CREATE SCHEMA css_exporter AUTHORIZATION css")
    with closing(open_ledger(url, LIMITS)) as ledger:
        assert ledger.record(PUSH, NOW).outcome is Outcome.ACCEPTED


def test_another_encoding_is_refused(server: Postgres) -> None:
    """Names of streams can be of any script, so the database must take them."""
    with server.admin() as admin:
        admin.execute("CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    with pytest.raises(LedgerRefused, match="LATIN1"):
        open_ledger(f"postgresql://admin@127.0.0.1:{server.port}/latin", LIMITS)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://css:se/cret@127.0.0.1/css",
        "postgresql://css:se@cret@127.0.0.1/css",
        "postgresql://css:secret@127.0.0.1/css?nonsense=1",
        "postgresql://css:se%cret@127.0.0.1/css",
    ],
)
def test_an_unreadable_url_is_refused_without_its_password(url: str) -> None:
    """No part of the password is told where a special character was not escaped."""
    with pytest.raises(LedgerRefused) as refusal:
        open_ledger(url, LIMITS)
    assert "cannot be read" in str(refusal.value)
    assert "cret" not in str(refusal.value)


def test_a_daemon_starts_before_its_server(
    daemon: Callable[..., Daemon],
) -> None:
    """Until the server is there callbacks are answered 503; then all works by itself."""
    with Postgres() as own:
        url = own.database()
        own.stop()
        exporter = daemon(ledger=url)
        answer = exporter.post(packet("push"))
        assert (answer.status, answer.json["reason"]) == (503, "ledger_unavailable")
        assert exporter.get("/-/ready").status == 503
        assert exporter.get("/metrics").status == 503
        assert (
            exporter.metrics("/metrics?collect[]=process")["tencent_css_exporter_ledger_up"] == 0
        )
        own.start()
        until(lambda: exporter.get("/-/ready").status == 200, "the daemon is ready")
        assert exporter.post(packet("push")).status == 200
        pushes = (
            'tencent_css_pushes_total{app_name="stage",origin="mainland",'
            'push_domain="live.test.example"}'
        )
        assert exporter.metrics()[pushes] == 1
        assert exporter.terminate() == 0
        assert "pass:word" not in exporter.log.read_text()
        assert "pass%3Aword" not in exporter.log.read_text()


# --- A batch is as good as one by one


def _sequences() -> list[Entry]:
    found = [entry("recording"), entry("recording", app="d0.example")]
    for sequence in range(4):
        stream = {"sequence": str(sequence), "stream_id": f"camera-{sequence % 2}"}
        fields = stream | {"app": f"d{sequence % 3}.example"}
        began = {"event_time": 1790000000 + sequence % 3, "set_id": (2, 7)[sequence % 2]}
        found += [entry("push", **fields, **began), entry("interruption", **fields)]
    # Packets that name another stream than that of their sequence.
    found += [entry("interruption", sequence="0", stream_id="camera-1", app="d1.example")]
    found += [entry("push", sequence="1", stream_id="camera-9", app="d2.example")]
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(_sequences()), min_size=1, max_size=12), min_size=1, max_size=4
    )
)
def test_a_batch_is_as_good_as_one_by_one(batches: Sequence[Sequence[Entry]]) -> None:
    """In one commit, in order: the oracle's receipts, and at last its numbers."""
    limits = Limits(dedupe_seconds=1e9, push_idle_seconds=1e9, max_sources=2)
    with opening("memory", None) as open_oracle:  # type: ignore[arg-type]
        oracle = open_oracle(max_sources=2)
        server_url = postgres_server().only_database()
        store = PostgresStore(server_url, limits)
        now = NOW
        for batch in batches:
            postings = []
            expected = []
            for one in batch:
                now += 1
                postings.append(Posting(one, now))
                expected.append(oracle.record(one, now))
            assert store.commit(postings, (), ()) == expected
        store.close()
        with closing(open_ledger(server_url, limits)) as ledger:
            assert numbers(ledger) == numbers(oracle)
            assert ledger.snapshot().oldest_open_push == oracle.snapshot().oldest_open_push


def test_numbers_do_not_overflow(url: str) -> None:
    """A counter goes on beyond 64 bits: forged amounts must not stop it."""
    with closing(open_ledger(url, LIMITS)) as ledger:
        for number in range(1, 6):
            ledger.tally([c.REJECTIONS.add("expired", amount=2**62)])
            _deliver(ledger, entry("subtitles", task_id=str(number)))
            assert value(ledger, c.REJECTIONS, "expired") == number * 2**62


def test_the_longest_names_are_taken(url: str) -> None:
    """Names as long as a packet may have them, in any script, fit every index."""
    kanji = [chr(0x20000 + number * 7) for number in range(512)]
    names = {"app": "".join(kanji[:253]), "appname": "".join(kanji), "stream_id": "".join(kanji)}
    with closing(open_ledger(url, LIMITS)) as ledger:
        assert ledger.record(entry("push", **names), NOW).outcome is Outcome.ACCEPTED
        source = (names["app"], names["appname"])
        assert value(ledger, c.ACTIVE_STREAMS, *source, "mainland") == 1
        ledger.record(entry("interruption", **names), NOW)
        assert value(ledger, c.OPEN_PUSHES) == 0


# --- Replicas at the same moment


class _Hold:
    """While it lasts, transactions that have read all they want stop before their numbers."""

    def __init__(self, server: Postgres, url: str) -> None:
        self._admin = server.admin(_name(url))

    def __enter__(self) -> Self:
        self._admin.execute("BEGIN")
        # No stripe is free, so all add to the first, whose rows are locked.
        for stripe in range(STRIPES):
            self._admin.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCKS, stripe))
        self._admin.execute("SELECT 1 FROM css_exporter.cell FOR UPDATE")
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.execute("ROLLBACK")
        self._admin.close()

    def until_waiting(self, transactions: int) -> None:
        until(lambda: self._waiting() >= transactions, f"{transactions} wait")

    def _waiting(self) -> int:
        row = self._admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        ).fetchone()
        assert row
        return row[0]


def _deliver(ledger: Ledger, one: Entry) -> Outcome:
    """Record as the sender does: again and again until it is taken."""
    for _ in range(20):
        try:
            return ledger.record(one, NOW).outcome
        except LedgerUnavailable:
            time.sleep(0.2)
    raise TimeoutError


@pytest.fixture
def at_once(server: Postgres, url: str) -> Iterator[Callable[..., list[Outcome]]]:
    """Return a function that has two replicas record one entry each at the same moment.

    The first one has read, and not yet committed, when the second one begins.
    """
    with ExitStack() as stack:

        def record(first: Entry, second: Entry, **limits: Any) -> list[Outcome]:
            both = [
                stack.enter_context(closing(open_ledger(url, replace(LIMITS, **limits))))
                for _ in range(2)
            ]
            for sample in ("push", "interruption", "subtitles"):  # so that there are numbers
                fields = {"sequence": "0", "appname": "warm"} if sample != "subtitles" else {}
                both[0].record(entry(sample, **fields), NOW)
            with ThreadPoolExecutor(2) as pool:
                with _Hold(server, url) as hold:
                    futures = [pool.submit(_deliver, both[0], first)]
                    hold.until_waiting(1)
                    futures.append(pool.submit(_deliver, both[1], second))
                    hold.until_waiting(2)
                return [future.result() for future in futures]

        yield record


def test_push_and_interruption_at_the_same_moment(
    at_once: Callable[..., list[Outcome]], url: str
) -> None:
    """Whichever of two replicas is first, the push does not stay open."""
    assert at_once(PUSH, INTERRUPTION) == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    others = entry("interruption", sequence="2"), entry("push", sequence="2")
    assert at_once(*others) == [Outcome.ACCEPTED, Outcome.LATE]
    with closing(open_ledger(url, LIMITS)) as ledger:
        assert value(ledger, c.OPEN_PUSHES) == 0
        assert value(ledger, c.ACTIVE_STREAMS, "live.test.example", "stage", "mainland") == 0


def test_one_packet_at_the_same_moment(at_once: Callable[..., list[Outcome]]) -> None:
    """Two replicas with the same packet: one accepts it."""
    assert at_once(PUSH, PUSH) == [Outcome.ACCEPTED, Outcome.DUPLICATE]


def test_two_pushes_of_a_stream_at_the_same_moment(
    at_once: Callable[..., list[Outcome]], url: str
) -> None:
    """A stream with two open pushes is active once, and no more when both are closed."""
    active = (c.ACTIVE_STREAMS, "live.test.example", "stage", "mainland")
    at_once(PUSH, entry("push", sequence="2"))
    with closing(open_ledger(url, LIMITS)) as ledger:
        assert value(ledger, *active) == 1
        assert value(ledger, c.OPEN_PUSHES) == 2
        at_once(INTERRUPTION, entry("interruption", sequence="2"))
        assert value(ledger, *active) == 0


def test_two_sources_for_one_place_at_the_same_moment(
    at_once: Callable[..., list[Outcome]], url: str
) -> None:
    """Replicas that admit at once do not admit more than ``max_sources``."""
    first, second = (
        entry("recording", app=f"d{number}.example", record_file_id=str(number))
        for number in range(2)
    )
    at_once(first, second, max_sources=2)  # one place is taken by what was there before
    with closing(open_ledger(url, LIMITS)) as ledger:
        assert value(ledger, c.SOURCES) == 2
        assert value(ledger, c.OVERFLOWED_SOURCES) == 1
        assert value(ledger, c.RECORDINGS, "d0.example", "stage", "hls") == 1
        assert value(ledger, c.RECORDINGS, "other", "other", "hls") == 1


def test_replicas_add_to_different_rows(server: Postgres, url: str) -> None:
    """A replica that is committing holds up no other, and the sum is that of both."""
    with closing(open_ledger(url, LIMITS)) as ledger, server.admin(_name(url)) as other:
        ledger.record(PUSH, NOW)
        with other.transaction():
            other.execute("SELECT pg_advisory_xact_lock(%s, 0)", (LOCKS,))
            other.execute("SELECT 1 FROM css_exporter.cell FOR UPDATE")
            ledger.record(entry("push", sequence="2"), NOW)
            assert value(ledger, c.CALLBACKS, "push") == 2
        stripes = other.execute(
            "SELECT DISTINCT stripe FROM css_exporter.cell WHERE family = %s", (c.CALLBACKS.name,)
        ).fetchall()
        assert sorted(stripes) == [(0,), (1,)]


# --- Connections


def test_a_connection_that_was_ended_is_made_anew(server: Postgres, url: str) -> None:
    """Backends that were terminated between commits cost nobody an error."""
    with closing(open_ledger(url, LIMITS)) as ledger, server.admin() as admin:
        for number in range(5):
            one = entry("recording", record_file_id=str(number))
            assert ledger.record(one, NOW).outcome is Outcome.ACCEPTED
            assert value(ledger, c.CALLBACKS, "recording") == number + 1
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (_name(url),),
            )


def test_a_lock_is_not_waited_for_forever(server: Postgres, url: str) -> None:
    """While somebody locks a table the ledger is unavailable, and says why; then it is not."""
    with closing(open_ledger(url, LIMITS)) as ledger, server.admin(_name(url)) as other:
        with other.transaction():
            other.execute("LOCK TABLE css_exporter.identity")
            with pytest.raises(LedgerUnavailable, match="lock timeout"):
                ledger.record(PUSH, NOW)
            assert ledger.failure
        assert _deliver(ledger, PUSH) is Outcome.ACCEPTED
        assert ledger.failure is None
