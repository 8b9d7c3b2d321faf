"""The command of ``make demo``.

All parts listen on the loopback interface, keep their data in a temporary directory, and end
with Ctrl-C; before that, what was sent is compared with the metrics once more.
"""

import shutil
import signal
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from exporter.demo import parts
from exporter.demo.guide import guide
from exporter.demo.programs import refuse_taken, wait_for_answer, watch
from exporter.sending.progress import interrupt_on


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--callback-port", default=8080, show_default=True, help="For callbacks.")
@click.option("--metrics-port", default=10063, show_default=True, help="For metrics and pages.")
@click.option("--prometheus-port", default=9090, show_default=True, help="For Prometheus.")
@click.option("--consumer", is_flag=True, help="With a service behind it that fails for a minute.")
@click.option("--consumer-port", default=9000, show_default=True, help="For that service.")
@click.option(
    "--platform",
    is_flag=True,
    help="With a platform that loses callbacks, but has an API.",
)
@click.option("--platform-port", default=9100, show_default=True, help="For that platform.")
@click.option("--rate", default=25.0, show_default=True, help="Callbacks a second.")
@click.option("--streams", default=60, show_default=True, help="Hosts.")
def main(
    callback_port: int,
    metrics_port: int,
    prometheus_port: int,
    consumer: bool,
    consumer_port: int,
    platform: bool,
    platform_port: int,
    rate: float,
    streams: int,
) -> None:
    """Run exporter, simulator and Prometheus together until Ctrl-C."""
    interrupt_on(signal.SIGINT, signal.SIGTERM)
    ports = parts.Ports(
        callback_port,
        metrics_port,
        prometheus_port,
        consumer_port if consumer else None,
        platform_port if platform else None,
    )
    prometheus = shutil.which("prometheus")
    refuse_taken(ports.callbacks, "--callback-port")
    refuse_taken(ports.metrics, "--metrics-port")
    if prometheus:
        refuse_taken(ports.prometheus, "--prometheus-port")
    if ports.consumer:
        refuse_taken(ports.consumer, "--consumer-port")
    if ports.platform:
        refuse_taken(ports.platform, "--platform-port")
    try:
        _run(ports, prometheus, rate, streams)
    except KeyboardInterrupt:
        click.echo("stopped")


def _run(ports: parts.Ports, prometheus: str | None, rate: float, streams: int) -> None:
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="css-exporter-demo-")))
        running = []
        if ports.consumer:
            running.append(stack.enter_context(parts.run_consumer(home, ports.consumer)))
            wait_for_answer(running[-1], ports.consumer, "/")
        if ports.platform:
            running.append(stack.enter_context(parts.run_platform(home, ports)))
            wait_for_answer(running[-1], ports.platform, "/")
        running.append(stack.enter_context(parts.exporter(home, ports)))
        wait_for_answer(running[-1], ports.callbacks, "/-/healthy")
        if prometheus:
            running.append(stack.enter_context(parts.prometheus(prometheus, home, ports)))
            wait_for_answer(running[-1], ports.prometheus, "/-/ready")
        click.echo(guide(ports, has_prometheus=prometheus is not None))
        running.append(stack.enter_context(parts.simulator(ports, rate, streams)))
        watch(running)


if __name__ == "__main__":
    main()
