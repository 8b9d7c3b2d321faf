"""Senders that are slow, or fall silent: nobody waits for them."""

import socket
from contextlib import ExitStack

from support import raw
from support.daemon import Start
from support.packets import packet
from support.programs import until


def test_slow_senders_do_not_keep_others_waiting(daemon: Start) -> None:
    """Beside connections that say nothing, or not all, others go on."""
    exporter = daemon()
    with ExitStack() as stack:
        for number in range(30):
            address = ("127.0.0.1", exporter.public_port)
            connection = stack.enter_context(socket.create_connection(address))
            if number % 10 == 0:
                connection.sendall(raw.post("/callback", b"{}")[:-1])
        until(lambda: exporter.post(packet("push")).status == 200, "a callback is taken", 60)


def test_slow_senders_do_not_hide_the_metrics(daemon: Start) -> None:
    """While many connections send byte by byte, the private listener answers."""
    exporter = daemon()
    with ExitStack() as stack:
        for _ in range(40):
            sender = stack.enter_context(
                socket.create_connection(("127.0.0.1", exporter.public_port))
            )
            sender.sendall(b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 9")
        assert exporter.get("/metrics").status == 200
        assert exporter.get("/-/ready").status == 200
    assert exporter.post(packet("push")).status == 200


def test_a_stalled_sender_does_not_hold_up_the_end(daemon: Start) -> None:
    """SIGTERM ends the daemon by itself although a request never comes whole."""
    exporter = daemon()
    with socket.create_connection(("127.0.0.1", exporter.public_port)) as sender:
        sender.sendall(b"POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        assert exporter.post(packet("push")).status == 200
        assert exporter.terminate() == 0
    assert not (exporter.data_dir / "ledger.sqlite-wal").exists()
