"""Whatever the consumer does: an answer in time, a reason, and nobody else is held up."""

import json
import resource
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from support import faulty, raw
from support.consumer import Consumer, certificate, counted, forwards
from support.daemon import Daemon, Shell
from support.faulty import Fault, Faulty
from support.packets import Packet, packet, signed
from support.programs import until

from exporter.web.forwarding import CONNECTIONS

pytestmark = pytest.mark.long

both = pytest.mark.parametrize("shell", [Daemon, Shell], ids=["loop", "wsgi"])
WAITING = 2000
PUSHES = 'tencent_css_callbacks_total{event="push"}'


@pytest.fixture(scope="module")
def consumer() -> Iterator[Faulty]:
    """Return a consumer whose fault tests choose."""
    with Faulty(faulty.silent) as consumer:
        yield consumer


@pytest.fixture(scope="module", params=[Daemon, Shell], ids=["loop", "wsgi"])
def exporter(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, consumer: Faulty
) -> Iterator[Daemon]:
    """Return one exporter in front of it, which soon loses patience."""
    directory = tmp_path_factory.mktemp("faults")
    settings = {"forward_to": consumer.url, "forward_timeout_seconds": 1}
    with request.param(directory / "data", **settings) as daemon:
        yield daemon


def result(exporter: Daemon, sequence: str) -> tuple[str, str]:
    """Return what the log says of a forward: its result and why."""
    line = exporter.line(event="callback.accepted", sequence=sequence)
    return line["forward_result"], line.get("forward_detail", "")


@pytest.mark.parametrize(
    ("fault", "status", "outcome"),
    [
        (faulty.silent, 504, "timed_out"),
        (faulty.hangs_in_its_answer, 504, "timed_out"),
        (faulty.resets_in_its_answer, 502, "unreachable"),
        (faulty.closes, 502, "unreachable"),
        (faulty.speaks_no_http, 502, "unreachable"),
        (faulty.answers_a_status_of_its_own, 502, "unreachable"),
        (faulty.answers_without_end, 502, "unreachable"),
    ],
)
def test_a_consumer_that_fails(
    exporter: Daemon, consumer: Faulty, fault: Fault, status: int, outcome: str
) -> None:
    """Each fault is answered with its reason, counted and logged; the callback is recorded."""
    consumer.fault = fault
    connections = len(consumer.connections)
    before, taken = forwards(exporter, "push", outcome), exporter.metrics().get(PUSHES, 0)
    answer = exporter.post(packet("push", sequence=fault.__name__))
    assert (answer.status, answer.json["reason"]) == (status, f"forward_{outcome}")
    assert len(consumer.connections) == connections + 1
    assert result(exporter, fault.__name__)[0] == outcome
    counted(exporter, "push", outcome, before + 1)
    assert exporter.metrics()[PUSHES] == taken + 1


def test_a_content_type_that_is_no_text_is_left_out(exporter: Daemon, consumer: Faulty) -> None:
    """Of many callbacks in one commit each is answered."""
    consumer.fault = faulty.names_no_content_type
    sent = [packet("push", sequence=f"no-type-{number}") for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(exporter.post, sent))
    assert {(one.status, one.body) for one in answers} == {(200, b"ok")}
    # Flask names one of its own where there is none.
    assert {one.headers.get("Content-Type", "text/html")[:9] for one in answers} == {"text/html"}


@both
def test_a_kept_connection_may_be_closed(tmp_path: Path, shell: type[Daemon]) -> None:
    """A consumer that closes just when we use a connection again is asked on a new one."""
    with (
        Faulty(faulty.once) as consumer,
        shell(tmp_path / "data", forward_to=consumer.url) as exporter,
    ):
        assert [exporter.post(packet("push")).status for _ in range(6)] == [200] * 6


def test_push_errors_wait_less(tmp_path: Path) -> None:
    """The platform gives its push errors 5 seconds: they are answered before that."""
    with (
        Faulty(faulty.silent) as consumer,
        Daemon(tmp_path / "data", forward_to=consumer.url) as exporter,
    ):
        names = ("push_error", "push")
        with ThreadPoolExecutor() as pool:
            answers = pool.map(exporter.post, map(packet, names))
            assert [answer.status for answer in answers] == [504, 504]
        error, push = (exporter.line(event_name=name) for name in names)
        assert error["forward_seconds"] < 5 < push["forward_seconds"]


@pytest.mark.parametrize(
    ("name", "trusted", "says"),
    [("IP:127.0.0.1", True, ""), ("IP:127.0.0.1", False, "certificate"), ("DNS:x", True, "127")],
)
@both
def test_a_consumer_with_tls(
    tmp_path: Path, shell: type[Daemon], name: str, trusted: bool, says: str
) -> None:
    """Its certificate must be from an authority that we trust, and for its name."""
    own = certificate(tmp_path / "tls", name)
    settings = {"forward_ca_file": own.chain if trusted else None}
    with (
        Consumer(tmp_path / "consumer", own) as consumer,
        shell(tmp_path / "data", forward_to=consumer.url, **settings) as exporter,
    ):
        answer = exporter.post(packet("push", sequence="1"))
        if not says:
            assert answer.json["from"] == "consumer"
            return
        assert (answer.status, answer.json["reason"]) == (502, "forward_unreachable")
        assert says in result(exporter, "1")[1]
        assert consumer.arrivals() == []


@pytest.fixture
def _many_files() -> Iterator[None]:
    """Let this process open as many connections as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def waiting(exporter: Daemon, number: int) -> Iterator[list[socket.socket]]:
    """Send so many screencaptures, each on a connection of its own, and do not wait."""
    with ExitStack() as stack:
        sent = []
        for one in range(number):
            address = ("127.0.0.1", exporter.public_port)
            connection = stack.enter_context(socket.create_connection(address, 60))
            connection.sendall(_capture(one))
            sent.append(connection)
        yield sent


def _capture(number: int) -> bytes:
    body: Packet = packet("screencapture", pic_full_url=f"/{number}.jpg")
    return raw.post("/callback", json.dumps(signed(body)).encode())


def established(port: int) -> int:
    """Return how many connections to a port are open on both sides."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    states = [(one.split()[1], one.split()[3]) for one in lines]
    return sum(local.endswith(f":{port:04X}") and state == "01" for local, state in states)


CAPTURES = 'tencent_css_callbacks_total{event="screencapture"}'


@pytest.mark.usefixtures("_many_files")
def test_a_silent_consumer_holds_up_nobody(tmp_path: Path) -> None:
    """While 2,000 wait for one consumer, others are answered, by theirs too, and metrics."""
    with Faulty(faulty.silent) as mute, Consumer(tmp_path / "consumer") as consumer:
        exporter = Daemon(
            tmp_path / "data",
            forward_to=consumer.url,
            forward_to_by_event=json.dumps({"screencapture": mute.url}),
            forward_most_waiting=WAITING,
            forward_timeout_seconds=15,
        )
        with exporter, waiting(exporter, WAITING) as captures:
            until(lambda: exporter.metrics().get(CAPTURES) == WAITING, "all are recorded")
            # One that has ended may be there for a moment beside the one in its place.
            until(lambda: 0 < established(mute.port) <= CONNECTIONS, "they have their connections")
            for number in range(20):
                assert exporter.post(packet("push", sequence=str(number))).status == 200
                assert exporter.get("/metrics").status == 200
            timed_out = [one for one in exporter.lines() if one.get("forward_result") != "taken"]
            assert len([one for one in timed_out if "event_name" in one]) < WAITING / 2
            answers = [raw.answer(raw.received(one)) for one in captures]
            assert {(one.status, one.json["reason"]) for one in answers} == {
                (504, "forward_timed_out")
            }


def test_too_many_wait(tmp_path: Path) -> None:
    """Above forward_most_waiting new ones are answered at once; others have their consumer."""
    with Faulty(faulty.silent) as mute, Consumer(tmp_path / "consumer") as consumer:
        exporter = Daemon(
            tmp_path / "data",
            forward_to=consumer.url,
            forward_to_by_event=json.dumps({"screencapture": mute.url}),
            forward_most_waiting=3,
            forward_timeout_seconds=6,
        )
        with exporter, waiting(exporter, 3) as captures:
            until(lambda: len(mute.connections) == 3, "all wait")
            one_more = exporter.post(packet("screencapture", pic_full_url="/one-more.jpg"))
            assert (one_more.status, one_more.json["reason"]) == (503, "forward_overloaded")
            assert exporter.post(packet("push")).status == 200
            assert {raw.answer(raw.received(one)).status for one in captures} == {504}
            assert len(mute.connections) == 3
            captures[0].sendall(_capture(0))  # there is room again
            until(lambda: len(mute.connections) == 4, "the consumer is asked")


@both
def test_the_ledger_does_not_cut_the_consumer_off(tmp_path: Path, shell: type[Daemon]) -> None:
    """While nothing can be committed the consumer gets its callbacks, and has its say."""
    with (
        Consumer(tmp_path / "consumer") as consumer,
        shell(tmp_path / "data", forward_to=consumer.url) as exporter,
    ):
        assert exporter.post(packet("push")).status == 200
        assert exporter.process
        for process in exporter.workers() or [exporter.process.pid]:
            resource.prlimit(process, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        answer = exporter.post(packet("recording"))
        assert (answer.status, answer.json["reason"]) == (503, "ledger_unavailable")
        assert consumer.arrival().packet["event_type"] == 100
        consumer.behave(status=500, text="mine")
        assert exporter.post(packet("recording")).body == b"mine"
        consumer.stop()
        assert exporter.post(packet("recording")).json["reason"] == "ledger_unavailable"
        assert len(consumer.arrivals()) == 3
