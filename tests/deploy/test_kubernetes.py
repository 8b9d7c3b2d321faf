"""What deploys to Kubernetes, as a real kubectl composes it: valid, and consistent with us."""

from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml
from support.daemon import request
from support.kubectl import kustomize
from support.programs import until
from support.prometheus import Prometheus
from support.repository import ROOT

from exporter.daemon.loading import ENV_PREFIX
from exporter.daemon.settings import Settings
from exporter.web.private import HEALTH_PATHS
from exporter.web.scrape import PARTS

DEPLOY = ROOT / "deploy" / "kubernetes"
APP = {"app.kubernetes.io/name": "css-exporter"}
WAYS = ("sqlite", "postgres")

Object = dict[str, Any]


@pytest.fixture(scope="module", params=WAYS)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    return kustomize(DEPLOY / request.param)


def one(objects: list[Object], kind: str, name: str = "css-exporter") -> Any:
    (found,) = (
        thing for thing in objects if (thing["kind"], thing["metadata"]["name"]) == (kind, name)
    )
    return found


def pod(objects: list[Object]) -> Any:
    return one(objects, "Deployment")["spec"]["template"]["spec"]


def container(objects: list[Object]) -> Any:
    (found,) = pod(objects)["containers"]
    return found


def monitors() -> list[Object]:
    composed = kustomize(DEPLOY / "monitoring")
    return [thing for thing in composed if thing["kind"] == "ServiceMonitor"]


@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_objects_are_valid(objects: list[Object], version: str) -> None:
    """Every object has only what Kubernetes' own schemas know."""
    ingress = yaml.safe_load((DEPLOY / "ingress.yaml").read_text())
    for thing in [*objects, ingress]:
        kubernetes_validate.validate(thing, version, strict=True)


def test_every_file_is_used() -> None:
    """No manifest lies about that no kustomization names, but the Ingress, an example."""
    for kustomization in DEPLOY.glob("*/kustomization.yaml"):
        said = yaml.safe_load(kustomization.read_text())
        named = {*said["resources"], *(patch["path"] for patch in said.get("patches", []))}
        there = {path.name for path in kustomization.parent.iterdir()}
        assert there - {"kustomization.yaml"} == {name for name in named if "/" not in name}
    assert {path.name for path in DEPLOY.glob("*.yaml")} == {"ingress.yaml"}


def test_selectors_find_the_pods(objects: list[Object]) -> None:
    """Everything that selects pods selects ours."""
    deployment = one(objects, "Deployment")["spec"]
    assert deployment["template"]["metadata"]["labels"] == APP
    assert deployment["selector"]["matchLabels"] == APP
    services = [thing for thing in objects if thing["kind"] == "Service"]
    assert [service["spec"]["selector"] for service in services] == [APP] * 3
    for kind, field in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
        for thing in objects:
            if thing["kind"] == kind:
                assert thing["spec"][field] == {"matchLabels": APP}
    for spread in pod(objects).get("topologySpreadConstraints", []):
        assert spread["labelSelector"] == {"matchLabels": APP}


def test_ports_agree(objects: list[Object]) -> None:
    """Container, Services, Ingress and policy name the ports that the image listens on."""
    ports = {port["name"]: port["containerPort"] for port in container(objects)["ports"]}
    assert ports == {
        "callbacks": Settings().callback_listen.port,
        "metrics": Settings().metrics_listen.port,
    }
    targets = {
        thing["metadata"]["name"]: [port["targetPort"] for port in thing["spec"]["ports"]]
        for thing in objects
        if thing["kind"] == "Service"
    }
    assert targets == {
        "css-exporter": ["callbacks"],
        "css-exporter-ledger": ["metrics"],
        "css-exporter-process": ["metrics"],
    }
    (rule,) = yaml.safe_load((DEPLOY / "ingress.yaml").read_text())["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    service = one(objects, "Service", path["backend"]["service"]["name"])
    names = [port["name"] for port in service["spec"]["ports"]]
    assert path["backend"]["service"]["port"]["name"] in names
    assert path["path"] == Settings().callback_path


def test_only_callbacks_from_the_world(objects: list[Object]) -> None:
    """The policy lets everybody in to the callbacks' port, and Prometheus alone to the other."""
    policy = one(objects, "NetworkPolicy")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    public, private = policy["ingress"]
    assert public == {"ports": [{"port": "callbacks"}]}
    assert private["ports"] == [{"port": "metrics"}]
    (peer,) = private["from"]
    assert peer["namespaceSelector"]["matchLabels"]
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"}


def test_pods_are_restricted(objects: list[Object]) -> None:
    """The pod keeps to the "restricted" standard and needs no right that Kubernetes gives."""
    assert pod(objects)["automountServiceAccountToken"] is False
    said = pod(objects)["securityContext"]
    assert said["runAsNonRoot"] is True
    assert {said["runAsUser"], said["runAsGroup"], said["fsGroup"]} == {10001}
    assert said["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(objects)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container(objects)["resources"]["limits"]["memory"]


def test_probes_ask_the_private_listener(objects: list[Object]) -> None:
    """Probes use paths that need no token, on the port that is not public."""
    found = container(objects)
    healthy, ready = HEALTH_PATHS
    for probe, path in (
        ("startupProbe", healthy),
        ("livenessProbe", healthy),
        ("readinessProbe", ready),
    ):
        assert found[probe]["httpGet"] == {"path": path, "port": "metrics"}


def test_settings_are_known(objects: list[Object]) -> None:
    """No variable reaches the exporter that it would refuse, those of Services included."""
    assert pod(objects)["enableServiceLinks"] is False
    names = [variable["name"] for variable in container(objects)["env"]]
    ours = {name.removeprefix(ENV_PREFIX) for name in names if name.startswith(ENV_PREFIX)}
    assert ours
    assert {name.lower() for name in ours} <= Settings.model_fields.keys()


def test_the_exporter_is_known_by_the_name_that_is_scraped(
    objects: list[Object], prometheus_targets: list[Object]
) -> None:
    """What is scraped by a name is so in any namespace, and the exporter answers to the name."""
    env = container(objects)["env"]
    names = [variable["name"] for variable in env]
    place = names.index(f"{ENV_PREFIX}METRICS_HOSTS")
    assert "POD_NAMESPACE" in names[:place]  # Kubernetes fills in what stands before
    known = env[place]["value"].replace("$(POD_NAMESPACE)", "live").split(",")
    scraped = {urlsplit(target["scrapeUrl"]).hostname for target in prometheus_targets}
    assert {name for name in scraped if not str(name).startswith("127.")} <= set(known)


def test_one_writer_or_many() -> None:
    """On SQLite the old replica ends before the new one begins; on PostgreSQL after."""
    sqlite, postgres = (one(kustomize(DEPLOY / way), "Deployment")["spec"] for way in WAYS)
    assert (sqlite["replicas"], sqlite["strategy"]) == (1, {"type": "Recreate"})
    assert postgres["replicas"] > 1
    assert postgres["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    budget = one(kustomize(DEPLOY / "postgres"), "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] < postgres["replicas"]


def test_monitors_find_their_service(objects: list[Object]) -> None:
    """Each ServiceMonitor selects exactly one Service, by a port that it has."""
    services = [thing for thing in objects if thing["kind"] == "Service"]
    asked = []
    for monitor in monitors():
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (service,) = (thing for thing in services if wanted <= thing["metadata"]["labels"].items())
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
        asked += endpoint["params"]["collect[]"]
    assert sorted(asked) == sorted(PARTS)


def test_replicas_are_one_target_for_the_ledger(prometheus_targets: list[Object]) -> None:
    """A real Prometheus finds three replicas: it scrapes the ledger once, processes thrice."""
    jobs: dict[str, list[str]] = {}
    for target in prometheus_targets:
        jobs.setdefault(target["labels"]["job"], []).append(target["scrapeUrl"])
    parts = "collect%5B%5D"
    assert {job: sorted(urls) for job, urls in jobs.items()} == {
        "tencent-css-ledger": [
            f"http://css-exporter-ledger.live.svc:10063/metrics?{parts}=ledger"
        ],
        "tencent-css-process": [
            f"http://127.0.0.{replica}:10063/metrics?{parts}=process" for replica in (1, 2, 3)
        ],
    }


@pytest.fixture(scope="module")
def prometheus_targets(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """Return the active targets of a Prometheus that finds three replicas in a cluster."""
    jobs = [scrape_job(monitor) for monitor in monitors()]
    found: list[Object] = []

    def known() -> bool:
        found[:] = request(server.port, "GET", "/api/v1/targets").json["data"]["activeTargets"]
        return len({target["labels"]["job"] for target in found}) == len(jobs)

    directory = tmp_path_factory.mktemp("prometheus")
    with Prometheus(directory, yaml.safe_dump({"scrape_configs": jobs})) as server:
        until(known, "Prometheus knows its targets", 60)
    return found


def scrape_job(monitor: Object) -> Object:
    """Return the scrape job that the operator makes of a ServiceMonitor.

    Its discovery is replaced by what it would find; the labels are those that it sets.
    """
    (endpoint,) = monitor["spec"]["endpoints"]
    name = monitor["metadata"]["name"]
    assert set(endpoint) <= {"port", "interval", "params", "relabelings"}
    return {
        "job_name": name,
        "scrape_interval": "1h",  # not within the test: only the targets matter
        "params": endpoint["params"],
        "static_configs": [
            {
                "targets": [f"127.0.0.{replica}:10063"],
                "labels": {
                    "__meta_kubernetes_service_name": name,
                    "__meta_kubernetes_namespace": "live",
                    "namespace": "live",
                    "service": name,
                    "pod": f"css-exporter-{replica}",
                    "container": "css-exporter",
                    "endpoint": "metrics",
                },
            }
            for replica in (1, 2, 3)
        ],
        "relabel_configs": [relabel_config(rule) for rule in endpoint["relabelings"]],
    }


def relabel_config(rule: Object) -> Object:
    """Return a rule of the operator in Prometheus' own spelling."""
    spelling = {
        "action": "action",
        "regex": "regex",
        "replacement": "replacement",
        "sourceLabels": "source_labels",
        "targetLabel": "target_label",
    }
    return {spelling[field]: value for field, value in rule.items()}
