"""A real Prometheus scrapes a real daemon."""

from pathlib import Path

from support.daemon import Start
from support.packets import packet
from support.programs import until
from support.prometheus import Prometheus

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: css
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def test_increase_sees_a_first_burst_completely(daemon: Start, tmp_path: Path) -> None:
    """Thirty pushes interrupted at once with a new errcode are an increase of thirty."""
    exporter = daemon(new_series_zero_seconds=5)
    with Prometheus(tmp_path / "prometheus", CONFIG.format(port=exporter.private_port)) as server:
        server.until_up()
        for number in range(30):
            fields = {"sequence": f"33104645082067{number:05}", "stream_id": f"camera-{number}"}
            assert exporter.post(packet("push", **fields)).status == 200
            assert exporter.post(packet("interruption", **fields, errcode=12)).status == 200
        family = 'tencent_css_interruptions_total{errcode="12"}'
        until(lambda: server.value(family) == 30, "the true value is shown")
        # increase() extrapolates to the window's edges, the plain difference does not.
        assert server.value(f"{family} - min_over_time({family}[5m])") == 30
        assert server.query(f"increase({family}[5m]) >= 30")
        durations = "tencent_css_push_duration_seconds"
        assert server.value(f"{durations}_count - min_over_time({durations}_count[5m])") == 30
        assert server.value("sum(tencent_css_active_streams)") == 0
        assert server.value("tencent_css_exporter_ledger_up") == 1
        assert server.query('{__name__=~".+_created"}') == []  # they would be series of their own
