"""Several exporters on one PostgreSQL, under load, while everything breaks: exact counts."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest
from support.daemon import Daemon, Start
from support.packets import Packet, body_of, packet
from support.postgres import Postgres
from support.programs import until
from support.prometheus import Prometheus
from support.proxy import Proxy
from support.sender import Kept

pytestmark = pytest.mark.long

NOW = 1790009000.0
SEQUENCES = 120
STAYING = 20
"""How many pushes get no interruption."""

_DOMAIN = 'push_domain="live.test.example"'
EXPECTED = {
    f'tencent_css_pushes_total{{app_name="stage",origin="mainland",{_DOMAIN}}}': SEQUENCES,
    'tencent_css_interruptions_total{app_name="stage",cause="client_stop",errcode="1",'
    f'origin="mainland",{_DOMAIN}}}': SEQUENCES - STAYING,
    f'tencent_css_active_streams{{app_name="stage",origin="mainland",{_DOMAIN}}}': STAYING,
    "tencent_css_exporter_open_pushes": STAYING,
    f'tencent_css_screencaptures_total{{app_name="stage",{_DOMAIN}}}': SEQUENCES,
    'tencent_css_callbacks_total{event="push"}': SEQUENCES,
    'tencent_css_callbacks_total{event="interruption"}': SEQUENCES - STAYING,
    'tencent_css_callbacks_total{event="screencapture"}': SEQUENCES,
    "tencent_css_exporter_sources": 1,
}


def _packets() -> list[Packet]:
    found = []
    for number in range(SEQUENCES):
        names = {"sequence": str(number), "stream_id": f"camera-{number}"}
        found.append(packet("push", **names))
        if number >= STAYING:
            found.append(packet("interruption", **names))
        found.append(packet("screencapture", pic_full_url=f"/{number}.jpg"))
    return found


class Load:
    """Every packet to every replica, in random order, again and again until each was taken."""

    def __init__(self, replicas: list[Daemon], seed: int) -> None:
        self._stack = ExitStack()
        kept = [self._stack.enter_context(Kept(replica)) for replica in replicas]
        self._deliveries = [(replica, one) for replica in kept for one in _packets()]
        random.Random(seed).shuffle(self._deliveries)
        self.refused = 0
        self._taken = 0
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(12)

    def __enter__(self) -> Self:
        self._futures = [self._pool.submit(self._deliver, *one) for one in self._deliveries]
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._stack.close()

    def done(self) -> float:
        """Return which part was taken."""
        return self._taken / len(self._deliveries)

    def until_taken(self) -> None:
        """Wait until every delivery was answered with 200."""
        for future in self._futures:
            future.result()

    def _deliver(self, replica: Kept, one: Packet) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if replica.post(body_of(one)) == 200:
                with self._lock:
                    self._taken += 1
                return
            with self._lock:
                self.refused += 1
            time.sleep(0.1)
        raise TimeoutError("a packet was not taken")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """Return a server that may be stopped."""
    with Postgres() as own:
        yield own


@pytest.fixture
def replicas(daemon: Start, server: Postgres) -> Callable[..., list[Daemon]]:
    """Return a function that starts replicas on a ledger of their own."""

    def start(*ports: int, **settings: Any) -> list[Daemon]:
        url = server.database()
        with ThreadPoolExecutor() as pool:
            urls = [server.through(port, url) for port in ports]
            names = [f"replica{number}" for number in range(len(urls))]
            return list(
                pool.map(lambda name, one: daemon(name, ledger=one, **settings), names, urls)
            )

    return start


def _assert_exact(replicas: list[Daemon]) -> None:
    for replica in replicas:
        until(lambda one=replica: one.get("/-/ready").status == 200, "a replica is ready")
        shown = replica.metrics("/metrics?collect[]=ledger")
        assert {name: shown.get(name) for name in EXPECTED} == EXPECTED


def test_every_packet_to_every_replica(
    replicas: Callable[..., list[Daemon]], server: Postgres
) -> None:
    """Three replicas, each with every packet in an order of its own: each counts once."""
    three = replicas(*[server.port] * 3)
    with Load(three, 1) as load:
        load.until_taken()
    _assert_exact(three)
    assert load.refused == 0
    duplicates = three[0].metrics()['tencent_css_callback_duplicates_total{event="push"}']
    assert duplicates == 2 * SEQUENCES


def test_a_replica_is_killed(replicas: Callable[..., list[Daemon]], server: Postgres) -> None:
    """What a killed replica had answered counts, what it had not is sent again."""
    two = replicas(*[server.port] * 2)
    with Load(two, 2) as load:
        for part in (0.2, 0.4, 0.6):
            until(lambda part=part: load.done() > part, "the load goes on", 60)
            two[1].kill()
            two[1].start()
        load.until_taken()
    assert load.refused > 0
    _assert_exact(two)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_is_restarted(
    replicas: Callable[..., list[Daemon]], server: Postgres, mode: str
) -> None:
    """A restart, or a crash, of PostgreSQL under load: 503 in between, nothing lost or double."""
    two = replicas(*[server.port] * 2)
    with Load(two, 3) as load:
        for part in (0.2, 0.6):
            until(lambda part=part: load.done() > part, "the load goes on", 60)
            server.restart(mode)
        load.until_taken()
    _assert_exact(two)


def test_backends_are_terminated(replicas: Callable[..., list[Daemon]], server: Postgres) -> None:
    """Connections that the server ends at any moment, in mid-commit too."""
    two = replicas(*[server.port] * 2)
    with Load(two, 4) as load, server.admin() as admin:
        ended = 0
        while load.done() < 0.95:
            row = admin.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE usename = 'css' AND state <> 'idle'"
            ).fetchone()
            assert row
            ended += row[0]
            time.sleep(0.01)  # few are caught in a transaction
            # A busy machine would otherwise come to no commit between two blows.
            goes_on = min(0.95, load.done() + 0.02 * bool(row[0]))
            until(lambda part=goes_on: load.done() >= part, "the load goes on", 60)
        load.until_taken()
    assert ended > 0
    _assert_exact(two)


def test_two_networks_are_cut(replicas: Callable[..., list[Daemon]], server: Postgres) -> None:
    """Each replica's network is broken in turn, once loudly and once in silence."""
    with Proxy(server.port) as first, Proxy(server.port) as second:
        two = replicas(first.port, second.port)
        with Load(two, 5) as load:
            until(lambda: load.done() > 0.2, "the load goes on", 60)
            first.cut()
            refused = two[0].post(packet("push", sequence="0", stream_id="camera-0"))
            assert (refused.status, refused.json["reason"]) == (503, "ledger_unavailable")
            assert two[1].post(packet("push", sequence="0", stream_id="camera-0")).status == 200
            first.restore()
            until(lambda: load.done() > 0.5, "the load goes on", 60)
            second.silent = True
            refused = two[1].post(packet("push", sequence="0", stream_id="camera-0"))
            assert (refused.status, refused.json["reason"]) == (503, "ledger_unavailable")
            assert two[1].get("/-/ready").status == 503
            second.restore()
            load.until_taken()
        _assert_exact(two)


# --- Prometheus


_CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: css-ledger
    params: {{"collect[]": [ledger]}}
    static_configs: [{{targets: ["127.0.0.1:{service}"]}}]
  - job_name: css-process
    params: {{"collect[]": [process]}}
    static_configs: [{{targets: [{replicas}]}}]
"""


def test_prometheus_sees_one_ledger(
    replicas: Callable[..., list[Daemon]], server: Postgres, tmp_path: Path
) -> None:
    """With a second replica behind the service neither sums nor rates change."""
    # Else new series are shown at 0 for longer than this test lasts.
    two = replicas(*[server.port] * 2, new_series_zero_seconds=0)
    ports = [replica.private_port for replica in two]
    with Proxy(ports[0]) as service:
        config = _CONFIG.format(
            service=service.port, replicas=", ".join(f'"127.0.0.1:{port}"' for port in ports)
        )
        with Prometheus(tmp_path / "prometheus", config) as prometheus:
            prometheus.until_up()

            def count(number: int) -> None:
                for replica in two:
                    names = {"sequence": str(number), "stream_id": f"camera-{number}"}
                    replica.post(packet("push", **names))

            def shows(pushes: int) -> bool:
                return prometheus.value("sum(tencent_css_pushes_total)") == pushes

            for number in range(5):
                count(number)
            until(lambda: shows(5), "one replica behind the service")
            before = prometheus.value("count(tencent_css_pushes_total)")
            service.targets(*ports)
            service.break_all()  # as a scrape through a service may come to either
            for number in range(5, 8):
                count(number)
                service.break_all()
                until(lambda number=number: shows(number + 1), "both are behind the service")
            assert prometheus.value("count(tencent_css_pushes_total)") == before
            assert prometheus.value("sum(resets(tencent_css_pushes_total[5m]))") == 0
            assert prometheus.value("sum(resets(tencent_css_callbacks_total[5m]))") == 0
            assert prometheus.value("sum(tencent_css_active_streams)") == 8
            assert prometheus.value("count(tencent_css_exporter_build_info)") == 2
            assert prometheus.value("sum(tencent_css_exporter_ledger_up)") == 2
