"""What the demonstration prints when it runs: where to look, and at what."""

from urllib.parse import quote

from exporter.demo.parts import CHANNEL, Ports
from exporter.demo.programs import HOST
from exporter.web.streams import address_of


def guide(ports: Ports, *, has_prometheus: bool) -> str:
    """Return the addresses of all parts, and what happens when."""
    private = f"http://{HOST}:{ports.metrics}"
    lines = [
        ("What arrived last, active streams", f"{private}/"),
        ("The channel that is watched", f"{private}{address_of(CHANNEL)}"),
        ("Streams that dropped and are not back", f"{private}/streams?state=dropped"),
        ("Each of the newest callbacks", f"{private}/deliveries"),
        ("Metrics", f"{private}/metrics"),
    ]
    if has_prometheus:
        server = f"http://{HOST}:{ports.prometheus}"
        graph = f"{server}/graph?g0.range_input=15m&g0.tab=0&g0.expr="
        by_cause = quote("sum by (cause) (rate(tencent_css_interruptions_total[1m]))")
        lines += [
            ("Active streams in Prometheus", f"{graph}tencent_css_active_streams"),
            ("Interruptions by cause", f"{graph}{by_cause}"),
            ("The channel, live or dark", f"{graph}tencent_css_watched_stream_active"),
            ("Alerts", f"{server}/alerts"),
        ]
    else:
        lines.append(("Prometheus", "not installed (Debian package prometheus), left out"))
    incident = (
        "After two minutes, and then every five, the platform drops pushes for a minute, and the\n"
        "  channel is dark as long: look at its page, at the streams that dropped, and at\n"
        '  interruptions with cause="platform".'
    )
    if has_prometheus:
        incident += " TencentCSSWatchedStreamDown is pending meanwhile."
    if ports.consumer:
        lines.append(("What the consumer has", f"http://{HOST}:{ports.consumer}/"))
        incident += (
            "\n  In the same minute the consumer answers 500: look at tencent_css_forwards_total\n"
            "  and at the deliveries. All of it comes again."
        )
    if ports.platform:
        lines.append(("What is online, and what was lost", f"http://{HOST}:{ports.platform}/"))
        incident += (
            "\n  Every 20 seconds the platform loses a push and an interruption; within 10 seconds"
            "\n  its API puts the active streams right: look at"
            " tencent_css_reconciliation_pushes_total."
        )
    compared = (
        ""
        if ports.platform
        else "; before that the simulator compares what it sent with what the\n  metrics show"
    )
    width = max(len(name) for name, _ in lines)
    table = "\n".join(f"  {name:{width}}  {address}" for name, address in lines)
    return f"""
{table}

  {incident}
  Ctrl-C ends all of it{compared}.
"""
