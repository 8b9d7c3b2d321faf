"""The stack of compose.replicas.yaml on this machine: its balancer, its Prometheus, real parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support.daemon import Answer, Daemon, Start, request
from support.expositions import PUSHES
from support.nginx import nginx, replaced, until_it_answers
from support.packets import body_of, packet
from support.postgres import Postgres
from support.programs import free_port, until
from support.prometheus import Prometheus
from support.repository import ROOT

SHIPPED = ROOT / "deploy" / "compose"


class Stack(NamedTuple):
    """Two replicas on one PostgreSQL, a balancer, a Prometheus."""

    first: Daemon
    second: Daemon
    callbacks: int
    metrics: int
    prometheus: Prometheus

    def push(self, sequence: int) -> Answer:
        body = body_of(packet("push", sequence=str(sequence)))
        return request(self.callbacks, "POST", "/callback", body)


@pytest.fixture
def stack(tmp_path: Path, daemon: Start) -> Iterator[Stack]:
    with Postgres() as server:
        url = server.database()
        first, second = daemon("first", ledger=url), daemon("second", ledger=url)
        callbacks, metrics = free_port(), free_port()
        balancer = replaced(
            (SHIPPED / "balancer.conf").read_text(),
            {
                "exporter-1:8080": f"127.0.0.1:{first.public_port}",
                "exporter-2:8080": f"127.0.0.1:{second.public_port}",
                "exporter-1:10063": f"127.0.0.1:{first.private_port}",
                "exporter-2:10063": f"127.0.0.1:{second.private_port}",
                "listen 8080": f"listen 127.0.0.1:{callbacks}",
                "listen 10063": f"listen 127.0.0.1:{metrics}",
                "/tmp/": f"{tmp_path}/",
            },
        )
        scraping = replaced(
            (SHIPPED / "prometheus.replicas.yml").read_text(),
            {
                "interval: 30s": "interval: 1s",
                "balancer:10063": f"127.0.0.1:{metrics}",
                "exporter-1:10063": f"127.0.0.1:{first.private_port}",
                "exporter-2:10063": f"127.0.0.1:{second.private_port}",
                "alertmanager:9093": "127.0.0.1:9",
                "rules/*.yml": f"{ROOT}/prometheus/rules/*.yml",
            },
        )
        with nginx(tmp_path, balancer), Prometheus(tmp_path / "prometheus", scraping) as asked:
            until_it_answers(callbacks)
            yield Stack(first, second, callbacks, metrics, asked)


def test_a_dead_replica_is_hidden(stack: Stack) -> None:
    """Callbacks go to both replicas and count once; without one of them all goes on."""
    for sequence in range(20):
        if sequence == 10:
            for replica in (stack.first, stack.second):
                replica.line(event="callback.accepted")
            stack.first.kill()
        assert stack.push(sequence).status == 200
    page = request(stack.metrics, "GET", "/metrics?collect[]=ledger").body.decode()
    assert f"{PUSHES} 20.0" in page
    assert stack.second.metrics()[PUSHES] == 20
    assert stack.push(3).status == 200
    assert stack.second.metrics()[PUSHES] == 20


def test_prometheus_counts_once(stack: Stack) -> None:
    """Sums are those of one ledger, though two replicas serve it; processes are told apart."""
    for sequence in range(10):
        assert stack.push(sequence).status == 200
    stack.prometheus.until_up()
    until(
        lambda: stack.prometheus.value("sum(tencent_css_active_streams)") == 1, "the ledger's sum"
    )
    assert stack.prometheus.value("count(up)") == 3
    assert stack.prometheus.value("count(process_start_time_seconds)") == 2
    assert stack.prometheus.value(f"count({PUSHES})") == 1

    # The published port leads to callbacks alone.
    assert request(stack.callbacks, "GET", "/metrics").status == 404
    assert request(stack.callbacks, "GET", "/-/ready").status == 404
