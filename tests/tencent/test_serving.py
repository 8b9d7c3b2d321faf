"""``css-exporter serve`` that asks Tencent Cloud's API which streams are online."""

from typing import Any

import pytest
from support.daemon import Daemon, Start
from support.packets import packet
from support.programs import until
from support.tencent import lies
from support.tencent.sending import packet_of
from support.tencent.server import Double
from support.tencent.world import Push

CHANGES = "tencent_css_reconciliation_pushes_total"
ERRORS = "tencent_css_reconciliation_errors_total"
SUCCESS = "tencent_css_reconciliation_last_success_timestamp_seconds"
ACTIVE = 'tencent_css_active_streams{{app_name="live",origin="{}",push_domain="push.example.com"}}'


@pytest.fixture
def asking(daemon: Start, double: Double) -> Any:
    """Return a function that starts a daemon which asks the double every second."""

    def start(**others: Any) -> Daemon:
        return daemon(tencent_endpoint=double.endpoint, reconcile_seconds=1, **others)

    return start


def active(one: Daemon, origin: str = "mainland") -> float:
    return one.metrics().get(ACTIVE.format(origin), 0)


def began(one: Daemon, double: Double, name: str = "camera-1") -> Push:
    """Let a stream begin, and its callback come."""
    push = double.world.begin(name)
    assert one.post(packet_of(push, "push")).status == 200
    return push


def test_lost_callbacks_heal(asking: Any, double: Double) -> None:
    """A lost interruption, and a lost push event, which counts when it comes after all."""
    exporter = asking()
    gone = began(exporter, double)
    began(exporter, double, "camera-2")
    double.world.end(gone)
    lost = double.world.begin("camera-3")
    until(lambda: active(exporter, "unknown") == 1, "the stream without a push event is active")
    until(lambda: active(exporter) == 1, "the stream that has gone is not")
    metrics = exporter.metrics()
    assert metrics[f'{CHANGES}{{change="opened"}}'] == 1
    assert metrics[f'{CHANGES}{{change="closed"}}'] == 1
    assert metrics[f'{CHANGES}{{change="withheld"}}'] == 0
    assert metrics[SUCCESS] > gone.began_at
    assert not any(name.startswith(ERRORS) for name in metrics)
    assert exporter.line(event="reconciliation.changed")
    exporter.post(packet_of(lost, "push"))
    assert (active(exporter), active(exporter, "unknown")) == (2, 0)


def test_a_failing_api_changes_nothing(asking: Any, double: Double) -> None:
    """It is counted by its code, logged, and asked again."""
    exporter = asking()
    double.lie(lies.refuse("UnauthorizedOperation"), times=1000)
    double.world.end(began(exporter, double))
    name = f'{ERRORS}{{code="UnauthorizedOperation"}}'
    until(lambda: exporter.metrics().get(name, 0) >= 3, "three rounds fail")
    assert SUCCESS not in exporter.metrics()
    assert active(exporter) == 1
    assert exporter.line(event="reconciliation.failed", code="UnauthorizedOperation")
    double.lies.clear()
    until(lambda: active(exporter) == 0, "it heals")
    assert exporter.terminate() == 0


def test_a_stream_that_began_while_nothing_ran_is_found(asking: Any, double: Double) -> None:
    """Its push domain and app name are known from before, though none of their pushes is open."""
    exporter = asking()
    push = began(exporter, double)
    double.world.end(push)
    exporter.post(packet_of(push, "interruption"))
    exporter.kill()
    double.world.begin()
    exporter.start()
    until(lambda: active(exporter, "unknown") == 1, "it is active")


def test_off_by_default_nothing_is_asked(daemon: Start, double: Double) -> None:
    """Credentials or not."""
    exporter = daemon(tencent_endpoint=double.endpoint)
    exporter.post(packet("push"))
    assert exporter.terminate() == 0
    assert not double.calls
