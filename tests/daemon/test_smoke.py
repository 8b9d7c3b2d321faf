"""The whole, once: a push and its interruption through a real daemon."""

import pytest
from support.daemon import Start
from support.packets import packet

pytestmark = pytest.mark.usefixtures("fresh_interpreters")


def test_push_and_interruption(daemon: Start) -> None:
    """A push makes a stream active; its interruption counts with errcode and cause."""
    exporter = daemon()
    active = (
        'tencent_css_active_streams{app_name="stage",origin="mainland",'
        'push_domain="live.test.example"}'
    )
    assert exporter.post(packet("push")).json == {"code": 0}
    assert exporter.metrics()[active] == 1
    assert exporter.post(packet("interruption")).json == {"code": 0}
    assert exporter.post(packet("push")).json == {"code": 0}
    assert exporter.metrics()[active] == 0
    assert exporter.terminate() == 0
