"""The nginx mirror example, run with a real consumer and a real daemon beside it."""

import http.client
import json
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from support import faulty
from support.consumer import Certificate, Consumer, certificate
from support.daemon import Daemon
from support.faulty import Faulty
from support.nginx import nginx, replaced
from support.packets import packet, signed
from support.programs import free_port, until
from support.repository import ROOT

EXAMPLE = ROOT / "deploy" / "nginx" / "css-exporter-mirror.conf"
PUSHES = 'tencent_css_callbacks_total{event="push"}'


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return the certificate of nginx."""
    return certificate(tmp_path_factory.mktemp("mirror") / "tls", "IP:127.0.0.1")


def site(own: Certificate, port: int, consumer: int, exporter: int) -> str:
    """Return a main configuration with the example in it."""
    example = replaced(
        EXAMPLE.read_text(),
        {
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "    listen [::]:443 ssl;\n": "",
            "127.0.0.1:9000": f"127.0.0.1:{consumer}",
            "127.0.0.1:8080": f"127.0.0.1:{exporter}",
            "/etc/nginx/tls/fullchain.pem": str(own.chain),
            "/etc/nginx/tls/privkey.pem": str(own.key),
            "/live/callbacks": "/hooks",
        },
    )
    return f"events {{}}\nhttp {{\n{example}\n}}"


def post(own: Certificate, port: int, sequence: str) -> int:
    """Send a push to nginx; 0 if it does not listen yet."""
    trust = ssl.create_default_context(cafile=own.chain)
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trust)
    try:
        body = json.dumps(signed(packet("push", sequence=sequence))).encode()
        connection.request("POST", "/hooks/push?x=1", body)
        response = connection.getresponse()
        response.read()
        return response.status
    except ConnectionError:
        return 0
    finally:
        connection.close()


def test_both_get_each_callback(
    tmp_path: Path, own: Certificate, daemon: Callable[..., Daemon]
) -> None:
    """The consumer answers, and the exporter has a copy; without the exporter all goes on."""
    port = free_port()
    with Consumer(tmp_path / "consumer") as consumer:
        exporter = daemon()
        with nginx(tmp_path, site(own, port, consumer.port, exporter.public_port)):
            until(lambda: post(own, port, "1") == 200, "nginx answers")
            arrival = consumer.arrival()
            assert arrival.target == "/hooks/push?x=1"
            assert exporter.line(event="callback.accepted", sequence="1")
            consumer.behave(status=500)
            assert post(own, port, "2") == 500
            assert exporter.line(event="callback.accepted", sequence="2")
            consumer.behave()
            before = exporter.metrics()[PUSHES]
            exporter.kill()
            assert post(own, port, "3") == 200  # and this is the limit of it
            exporter.start()
            assert post(own, port, "4") == 200
            assert exporter.line(event="callback.accepted", sequence="4")
            assert exporter.metrics()[PUSHES] == before + 1


def test_an_exporter_that_hangs_does_not_cut_the_consumer_off(
    tmp_path: Path, own: Certificate
) -> None:
    """Its copies are given up; the consumer's answers come as before."""
    port = free_port()
    with (
        Consumer(tmp_path / "consumer") as consumer,
        Faulty(faulty.silent) as mute,
        nginx(tmp_path, site(own, port, consumer.port, mute.port)),
    ):
        until(lambda: post(own, port, "1") == 200, "nginx answers")
        assert [post(own, port, str(number)) for number in range(3)] == [200] * 3
        assert mute.connections
