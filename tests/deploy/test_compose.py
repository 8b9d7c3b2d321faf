"""The Compose stacks: valid, closed to the world but for callbacks, and consistent with us."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.daemon import Start
from support.nginx import replaced
from support.packets import KEY
from support.programs import program
from support.repository import ROOT

from exporter.daemon.loading import ENV_PREFIX
from exporter.daemon.settings import Settings

STACKS = ("compose.yaml", "compose.replicas.yaml")
PARTS = ROOT / "deploy" / "compose"

SHORT = ("--duration", "2", "--streams", "5", "--time-scale", "1000")
BAD_SIGNATURES = 'tencent_css_callback_rejections_total{reason="bad_signature"}'

Service = dict[str, Any]


@functools.cache
def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def services(path: Path) -> dict[str, Service]:
    """Return a file's services with those that they extend merged in, as Compose does."""
    return {name: merged(path, service) for name, service in load(path)["services"].items()}


def merged(path: Path, service: Service) -> Service:
    if "extends" not in service:
        return service
    base = path.parent / service["extends"]["file"]
    result = dict(services(base)[service["extends"]["service"]])
    for key, value in service.items():
        if key == "volumes":
            mine = {target(volume) for volume in value}
            kept = [volume for volume in result.get(key, []) if target(volume) not in mine]
            result[key] = kept + value
        elif key == "environment":
            result[key] = result.get(key, {}) | value
        elif key != "extends":
            result[key] = value
    return result


def target(volume: str) -> str:
    return volume.split(":")[1]


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> dict[str, Service]:
    return services(ROOT / request.param)


@pytest.mark.parametrize("path", [*STACKS, "deploy/compose/exporter.yaml"])
def test_files_follow_the_compose_specification(path: str) -> None:
    """Every key is one of the specification's own schema."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", ROOT / path),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_callbacks_are_published(stack: dict[str, Service]) -> None:
    """The world reaches the callbacks' port; pages, Grafana and Prometheus only this machine."""
    published = {name: service["ports"] for name, service in stack.items() if "ports" in service}
    entrance = "balancer" if "balancer" in stack else "exporter"
    assert published == {
        entrance: ["8080:8080", "127.0.0.1:10063:10063"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_exporters_are_known_by_the_names_that_are_scraped(stack: dict[str, Service]) -> None:
    """What Prometheus asks by a name in the stack answers to it, also behind the balancer."""
    [mounted] = [
        volume.split(":")[0]
        for volume in stack["prometheus"]["volumes"]
        if volume.split(":")[1] == "/etc/prometheus/prometheus.yml"
    ]
    scraped = {
        target.split(":")[0]
        for job in load(ROOT / mounted)["scrape_configs"]
        for static in job["static_configs"]
        for target in static["targets"]
        if target.endswith(f":{Settings().metrics_listen.port}")
    }
    assert scraped
    for service in stack.values():
        if "build" in service:
            known = service["environment"][f"{ENV_PREFIX}METRICS_HOSTS"].split(",")
            assert scraped <= set(known)


def test_images_are_pinned(stack: dict[str, Service]) -> None:
    """Every image has a version of three numbers, or PostgreSQL's two."""
    for name, service in stack.items():
        assert re.search(r":v?\d+\.\d+(\.\d+)?$", service["image"]), name


def test_what_is_mounted_exists(stack: dict[str, Service]) -> None:
    """Files of ours are in the tree and mounted read-only; volumes are declared and used."""
    file = ROOT / STACKS["balancer" in stack]
    volumes = [volume for service in stack.values() for volume in service.get("volumes", [])]
    named = {volume.split(":")[0] for volume in volumes if volume[0] not in "./"}
    assert named == set(load(file)["volumes"])
    for volume in volumes:
        if volume.startswith("."):
            source, _, mode = volume.split(":")
            assert (ROOT / source).exists(), source
            assert mode == "ro"


def test_exporters_are_confined(stack: dict[str, Service]) -> None:
    """Every exporter runs as the image's user, on a read-only root, without capabilities."""
    ours = {name: service for name, service in stack.items() if "build" in service}
    assert len(ours) == 2
    for name, service in ours.items():
        assert service["user"] == "10001:10001", name
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        for variable in service["environment"]:
            assert variable.removeprefix(ENV_PREFIX).lower() in Settings.model_fields


def test_everything_restarts_and_none_gains_rights(stack: dict[str, Service]) -> None:
    """Each service comes back after a crash and can take no privilege."""
    for name, service in stack.items():
        assert service["restart"] == "unless-stopped", name
        assert "no-new-privileges:true" in service["security_opt"], name


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.replicas.yml"])
def test_prometheus_takes_its_configuration(name: str) -> None:
    """Promtool accepts the file; its jobs and intervals are those of prometheus/."""
    checked = subprocess.run(
        [program("promtool"), "check", "config", "--syntax-only", PARTS / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    ours, reference = load(PARTS / name), load(ROOT / "prometheus" / "prometheus.yml")
    assert ours["global"] == reference["global"]
    assert ours["rule_files"] == reference["rule_files"]
    known = {job["job_name"]: job.get("params") for job in reference["scrape_configs"]}
    for job in ours["scrape_configs"]:
        assert job.get("params") == known[job["job_name"]]


def test_addresses_are_services() -> None:
    """Whatever one service calls another by is a service of the same stack, at its port."""
    single, replicas = (services(ROOT / name) for name in STACKS)
    for stack, names in (
        (single, addresses("prometheus.yml", "loki.yaml", "config.alloy")),
        (replicas, addresses("prometheus.replicas.yml", "config.alloy", "balancer.conf")),
    ):
        for name in names:
            assert name in stack
        for url in (
            stack["grafana"]["environment"][key] for key in ("PROMETHEUS_URL", "LOKI_URL")
        ):
            assert url.removeprefix("http://").split(":")[0] in stack


def addresses(*names: str) -> set[str]:
    text = "".join((PARTS / name).read_text() for name in names)
    return {name for name, _ in re.findall(r"\b([a-z][a-z0-9-]*):(\d{2,5})\b", text)}


def test_log_stream_is_the_dashboards() -> None:
    """The collector labels the log as the dashboards look for it."""
    (job,) = re.findall(r'labels\s*= \{ job = "(.*)" \}', (PARTS / "config.alloy").read_text())
    dashboards = (ROOT / "grafana" / "dashboards").glob("*.json")
    assert any(f'job=\\"{job}\\"' in path.read_text() for path in dashboards)


@pytest.mark.parametrize("configured", [True, False])
def test_simulator_finds_the_key(daemon: Start, tmp_path: Path, configured: bool) -> None:
    """The demo's own command reaches an exporter, with a key given or one that it made."""
    exporter = daemon(callback_keys=f"{KEY},another" if configured else None)
    entrypoint = services(ROOT / "compose.yaml")["simulator"]["entrypoint"]
    # As Compose reads it, with the addresses of this machine.
    script = replaced(
        entrypoint[2],
        {
            "$$": "$",
            "exporter:8080": f"127.0.0.1:{exporter.public_port}",
            "/data/": f"{exporter.data_dir}/",
        },
    )
    done = subprocess.run(
        [*entrypoint[:2], script, entrypoint[3], *SHORT],
        env={
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        | ({"CSS_EXPORTER_CALLBACK_KEYS": f"{KEY},another"} if configured else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert exporter.metrics()['tencent_css_callbacks_total{event="push"}'] > 0
    assert exporter.metrics()[BAD_SIGNATURES] == 0
