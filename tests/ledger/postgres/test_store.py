"""What is PostgreSQL's own: the start, batches, races between replicas, limits of time."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.daemon import Start
from support.ledgers import deliver, entry, numbers, opening, postgres_server, value
from support.packets import packet
from support.postgres import Postgres, database_of
from support.programs import until
from support.settings import LONG

from exporter.ledger import Outcome, UnusableLedger, open_ledger
from exporter.ledger.interface import Posting
from exporter.ledger.postgres.store import PostgresStore
from exporter.metrics import catalogue as c
from exporter.metrics.entries import Entry
from exporter.metrics.families import LONGEST_SOURCE_LABEL

NOW = 1790009000.0
PUSH, INTERRUPTION = entry("push"), entry("interruption")


# --- The start


def test_ten_start_at_once_on_an_empty_database(server: Postgres) -> None:
    """One makes the tables, the others find them."""
    start = threading.Barrier(10)

    def begin(url: str) -> None:
        store = PostgresStore(url, LONG)
        start.wait()
        store.open()
        store.close()

    with ThreadPoolExecutor(10) as pool:
        for _ in range(5):
            list(pool.map(begin, [server.database()] * 10))


def test_an_emptied_ledger_is_a_new_one(server: Postgres, url: str) -> None:
    """What most tests are given has the rows, and will have the numbers, of one just made."""
    emptied = server.only_database()
    with closing(open_ledger(emptied, LONG)) as ledger:
        ledger.record(PUSH, NOW)
        ledger.record(INTERRUPTION, NOW)
    assert server.only_database() == emptied
    found = []
    for one in (url, emptied):
        open_ledger(one, LONG).close()
        with server.admin(one) as admin:
            admin.execute("UPDATE css_exporter.ledger SET committed_at = 0")
            tables = admin.execute(
                "SELECT tablename,"
                " query_to_xml('TABLE css_exporter.' || tablename, true, true, '')::text"
                " FROM pg_tables WHERE schemaname = 'css_exporter' ORDER BY 1"
            ).fetchall()
            counters = admin.execute(
                "SELECT sequencename, last_value FROM pg_sequences"
                " WHERE schemaname = 'css_exporter' ORDER BY 1"
            ).fetchall()
        found.append((tables, counters))
    assert found[0] == found[1]


def test_a_newer_ledger_is_refused(server: Postgres, url: str) -> None:
    """What a newer version wrote must not be changed by an older one."""
    open_ledger(url, LONG).close()
    with server.admin(url) as admin:
        admin.execute("UPDATE css_exporter.ledger SET version = 99")
    with pytest.raises(UnusableLedger, match="version 99"):
        open_ledger(url, LONG)


def test_a_foreign_schema_is_refused(server: Postgres, url: str) -> None:
    """A schema of our name with tables that are not ours stays as it is."""
    with server.admin(url) as admin:
        admin.execute("CREATE SCHEMA css_exporter AUTHORIZATION css")
        admin.execute("CREATE TABLE css_exporter.theirs (id int)")
    with pytest.raises(UnusableLedger, match="none of this program"):
        open_ledger(url, LONG)


def test_a_schema_of_the_role_is_all_it_needs(server: Postgres, url: str) -> None:
    """With a schema made for it the role needs no right to make one; without, it is refused."""
    with server.admin(url) as admin:
        admin.execute(f"REVOKE CREATE ON DATABASE {database_of(url)} FROM css")
        with pytest.raises(UnusableLedger, match="AUTHORIZATION"):
            open_ledger(url, LONG)
        admin.execute("CREATE SCHEMA css_exporter AUTHORIZATION css")
    with closing(open_ledger(url, LONG)) as ledger:
        assert ledger.record(PUSH, NOW).outcome is Outcome.ACCEPTED


def test_another_encoding_is_refused(server: Postgres) -> None:
    """Names of streams can be of any script, so the database must take them."""
    with server.admin() as admin:
        admin.execute("CREATE DATABASE latin ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    with pytest.raises(UnusableLedger, match="LATIN1"):
        open_ledger(f"postgresql://admin@127.0.0.1:{server.port}/latin", LONG)


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
    """No part of the password is printed where a special character was not escaped."""
    with pytest.raises(UnusableLedger) as refusal:
        open_ledger(url, LONG)
    assert "cannot be read" in str(refusal.value)
    assert "cret" not in str(refusal.value)


def test_a_daemon_starts_before_its_server(
    daemon: Start,
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
    limits = replace(LONG, max_sources=2, max_series=6)
    with opening("memory", None) as open_oracle:  # type: ignore[arg-type]  # memory has no directory
        oracle = open_oracle(max_sources=2, max_series=6)
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
    with closing(open_ledger(url, LONG)) as ledger:
        for number in range(1, 6):
            ledger.tally([c.REJECTIONS.add("expired", amount=2**62)])
            deliver(ledger, entry("subtitles", task_id=str(number)), NOW)
            assert value(ledger, c.REJECTIONS, "expired") == number * 2**62


def test_the_longest_names_are_taken(url: str) -> None:
    """Names as long as a packet may have them, in any script, fit every index."""
    kanji = "".join(chr(0x20000 + number * 7) for number in range(512))  # of four bytes
    label = kanji[: LONGEST_SOURCE_LABEL // 4]
    names = {"app": label, "appname": label[::-1], "stream_id": kanji}
    with closing(open_ledger(url, LONG)) as ledger:
        assert ledger.record(entry("push", **names), NOW).outcome is Outcome.ACCEPTED
        source = (names["app"], names["appname"])
        assert value(ledger, c.ACTIVE_STREAMS, *source, "mainland") == 1
        ledger.record(entry("interruption", **names), NOW)
        assert value(ledger, c.OPEN_PUSHES) == 0
