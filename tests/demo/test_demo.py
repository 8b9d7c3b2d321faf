"""``make demo``: started, looked at, and ended by Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.daemon import request
from support.expositions import samples
from support.programs import free_port, program, stop, until
from support.repository import ROOT

from exporter.demo.consumer import fails
from exporter.demo.parts import CHANNEL
from exporter.web.streams import address_of

pytestmark = pytest.mark.long

Demo = tuple[subprocess.Popen[bytes], dict[str, int], Path]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Return a function that starts the demonstration on free ports."""
    with ExitStack() as stack:

        def start(*flags: str, **environment: str) -> Demo:
            names = ("callback", "metrics", "prometheus", "consumer", "platform")
            ports = {name: free_port() for name in names}
            output = tmp_path / "demo.txt"
            command = [sys.executable, "-m", "exporter.demo", *flags]
            for name, port in ports.items():
                command += [f"--{name}-port", str(port)]
            # TMPDIR: to see that nothing is left behind.
            (tmp_path / "left").mkdir()
            with output.open("wb") as file:
                process = subprocess.Popen(
                    command,
                    stdout=file,
                    stderr=file,
                    env=os.environ | environment | {"TMPDIR": str(tmp_path / "left")},
                )
            stack.callback(stop, process)
            return process, ports, output

        yield start


def figures(port: int) -> dict[str, float]:
    """Return the exporter's samples, none before it answers."""
    try:
        return samples(request(port, "GET", "/metrics", timeout=5).body.decode())
    except OSError:
        return {}


def pushes(ports: dict[str, int]) -> float:
    """Return how many pushes the exporter counts."""
    return figures(ports["metrics"]).get('tencent_css_callbacks_total{event="push"}', 0)


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def ended(process: subprocess.Popen[bytes], ports: dict[str, int], output: Path) -> str:
    """Press Ctrl-C, see that all has ended and nothing is left, and return the output."""
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0, output.read_text()
    assert all(map(is_free, ports.values()))
    assert list((output.parent / "left").iterdir()) == []
    return output.read_text()


def test_figures_move_until_ctrl_c(demo: Callable[..., Demo]) -> None:
    """Without Prometheus: figures move, a channel is live, and all is exact at the end.

    Both are at the printed addresses.
    """
    process, ports, output = demo(PATH="")
    until(lambda: pushes(ports) > 5 or process.poll() is not None, "figures move", 60)
    domain, app, stream = CHANNEL
    labels = f'app_name="{app}",push_domain="{domain}",stream_id="{stream}"'
    until(lambda: _is_live(ports, labels) or process.poll() is not None, "the channel is live", 60)
    path = address_of(CHANNEL)
    page = request(ports["metrics"], "GET", path)
    assert page.status == 200
    assert b"Live for" in page.body
    text = ended(process, ports, output)
    assert f"http://127.0.0.1:{ports['metrics']}/metrics" in text
    assert f"http://127.0.0.1:{ports['metrics']}{path}" in text
    assert "not installed" in text
    assert "exactly what was sent" in text


def test_prometheus_scrapes_and_knows_our_rules(demo: Callable[..., Demo]) -> None:
    """With Prometheus: it sees active streams, and every rule file that we ship is loaded."""
    program("prometheus")
    process, ports, output = demo()

    def asked(path: str) -> str:
        try:
            answer = request(ports["prometheus"], "GET", path, timeout=5)
        except OSError:
            return ""
        return answer.body.decode() if answer.status == 200 else ""

    query = "/api/v1/query?query=tencent_css_active_streams%20%3E%200"
    until(
        lambda: '"push_domain"' in asked(query) or process.poll() is not None,
        "Prometheus sees active streams",
        90,
    )
    loaded = {
        Path(group["file"]) for group in json.loads(asked("/api/v1/rules"))["data"]["groups"]
    }
    rules = ROOT / "prometheus" / "rules"
    assert loaded == set(rules.glob("*.yml"))
    text = ended(process, ports, output)
    assert f"http://127.0.0.1:{ports['prometheus']}/alerts" in text


def _is_live(ports: dict[str, int], labels: str) -> bool:
    shown = figures(ports["metrics"])
    return shown.get(f"tencent_css_watched_stream_active{{{labels}}}") == 1


def test_a_taken_port_is_named() -> None:
    """A port that somebody uses is named, with the flag that chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-m", "exporter.demo", "--callback-port", str(port)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ran.returncode == 1
    assert f"port {port} cannot be used" in ran.stderr
    assert 'make demo DEMO="--callback-port PORT"' in ran.stderr


def test_ctrl_c_where_a_shell_ignores_it(demo: Callable[..., Demo]) -> None:
    """Started by a script in the background, where SIGINT is ignored, it still ends by it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process, ports, output = demo(PATH="")
    finally:
        signal.signal(signal.SIGINT, before)
    until(lambda: pushes(ports) > 5 or process.poll() is not None, "figures move", 60)
    assert "exactly what was sent" in ended(process, ports, output)


def test_a_consumer_gets_all_of_it(demo: Callable[..., Demo]) -> None:
    """With a consumer behind the exporter both have the same callbacks."""
    process, ports, output = demo("--consumer", "--rate", "5", PATH="")

    def has() -> dict[str, int]:
        try:
            return dict(request(ports["consumer"], "GET", "/", timeout=5).json)
        except OSError:
            return {}

    until(lambda: has().get("taken", 0) > 20 or process.poll() is not None, "callbacks come", 60)
    # Between two callbacks: one is asked a moment after the other.
    until(lambda: _counted(ports) == has()["different"], "both have the same", 60)
    assert "What the consumer has" in ended(process, ports, output)


def test_a_platform_loses_callbacks_and_its_api_heals_that(demo: Callable[..., Demo]) -> None:
    """What was lost is opened or closed, and at rest both know of the same streams."""
    process, ports, output = demo("--platform", "--rate", "10", PATH="")

    changes = [
        f'tencent_css_reconciliation_pushes_total{{change="{change}"}}'
        for change in ("opened", "closed")
    ]

    def known() -> tuple[float, float]:
        active = samples_named("tencent_css_active_streams", ports)
        return active, request(ports["platform"], "GET", "/").json["online"]

    def both() -> bool:
        shown = figures(ports["metrics"])
        return all(map(shown.get, changes)) or process.poll() is not None

    until(both, "a push is opened and one is closed", 240)
    assert len(request(ports["platform"], "GET", "/").json["lost"]) >= 2
    until(lambda: len(set(known())) == 1, "both know of the same streams", 120)
    assert "what was lost" in ended(process, ports, output)


def samples_named(name: str, ports: dict[str, int]) -> float:
    """Return the sum of a family's samples."""
    shown = figures(ports["metrics"])
    return sum(shown[one] for one in shown if one.partition("{")[0] == name)


def _counted(ports: dict[str, int]) -> float:
    """Return how many different callbacks the exporter counts."""
    return samples_named("tencent_css_callbacks_total", ports)


def test_the_consumer_fails_for_a_minute() -> None:
    """After two minutes, and then every five."""
    failing = [seconds for seconds in range(800) if fails(seconds)]
    assert failing == [*range(120, 180), *range(420, 480), *range(720, 780)]
