"""What a test does with a cluster: kubectl, helm, namespaces; and what has to be there before anything is installed."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from control_plane import ControlPlane
from helm_chart import CHART, RELEASE, SHORT_LIVED
from kubernetes_tools import tool

ZONES = ("a", "b", "c")
NODES_OF_ZONE = 2
VOLUMES = 24
"""Nothing here makes volumes for claims, so they are made in advance."""
# Strimzi is written in Java, so that no module carries its definitions: these take everything.
PERMISSIVE = {"kafka.strimzi.io": ("v1", ["Kafka", "KafkaNodePool", "KafkaTopic", "KafkaUser"])}
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}


class CommandFailed(Exception):
    """The exit code and what the command said."""

    def __init__(self, command: Iterable[str], code: int, said: str) -> None:
        super().__init__(f"{' '.join(command)} ended with {code}: {said}")
        self.code, self.said = code, said


@dataclass(slots=True)
class Cluster:
    """A running one."""

    plane: ControlPlane

    def environment(self, user: str = "admin") -> dict[str, str]:
        """What a command needs to talk to it, and to nothing else of this machine's user."""
        home = self.plane.folder / "home"
        home.mkdir(exist_ok=True)
        return {**os.environ, **SHORT_LIVED, "HOME": str(home), "KUBECONFIG": str(self.plane.kubeconfig(user))}

    def run(self, *command: str, sent: str | None = None, user: str = "admin") -> subprocess.CompletedProcess[str]:
        """What it says. CommandFailed."""
        self.plane.check()
        done = subprocess.run(
            command, input=sent, env=self.environment(user), capture_output=True, text=True, check=False, timeout=600
        )
        if done.returncode:
            raise CommandFailed(command, done.returncode, f"{done.stderr}{done.stdout}".strip())
        return done

    def kubectl(self, *arguments: str, sent: str | None = None, user: str = "admin") -> str:
        """What kubectl prints."""
        return self.run(str(tool("kubectl")), *arguments, sent=sent, user=user).stdout

    def helm(
        self, *arguments: str, namespace: str, user: str = "admin", values: Mapping[str, Any] | None = None
    ) -> str:
        """What helm prints; values: laid over those of the command."""
        with_values = ["--values", "-"] if values is not None else []
        sent = None if values is None else json.dumps(values)
        return self.run(
            str(tool("helm")), *arguments, *with_values, "--namespace", namespace, sent=sent, user=user
        ).stdout

    def install(self, environment: str, *options: str, namespace: str, values: Mapping[str, Any] | None = None) -> str:
        """Install, or upgrade to, the chart with the values of an environment, and wait."""
        own = ("--values", str(CHART / f"values-{environment}.yaml"))
        command = ("upgrade", "--install", RELEASE, str(CHART), *own, "--wait", "--timeout", "3m", *options)
        return self.helm(*command, namespace=namespace, values=values)

    def objects(self, kind: str, namespace: str, *options: str) -> list[dict[str, Any]]:
        """All of a kind."""
        found: list[dict[str, Any]] = json.loads(self.kubectl("-n", namespace, "get", kind, "-o", "json", *options))[
            "items"
        ]
        return found

    def apply(self, objects: Iterable[Mapping[str, Any]], *options: str) -> str:
        """Send them as a server-side apply that refuses unknown fields; what kubectl says of each, and warnings."""
        sent = "---\n".join(json.dumps(each) + "\n" for each in objects)
        command = ("apply", "--server-side", "--validate=strict", *options, "-f", "-")
        done = self.run(str(tool("kubectl")), *command, sent=sent)
        return done.stdout + done.stderr

    def make_namespace(self, name: str) -> str:
        """One in which Pod Security "restricted" is enforced."""
        self.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}])
        self.eventually(
            "pods can be made in it",
            lambda: "default" in self.kubectl("-n", name, "get", "serviceaccounts", "-o", "name"),
        )
        return name

    def is_whole(self, namespace: str) -> bool:
        """Whether all replicas of all deployments are available, no fewer than their autoscalers' minimum."""
        least = {
            each["spec"]["scaleTargetRef"]["name"]: each["spec"]["minReplicas"]
            for each in self.objects("hpa", namespace)
        }
        return all(
            each["status"].get("availableReplicas") == each["status"]["replicas"] == each["spec"]["replicas"]
            and each["spec"]["replicas"] >= least.get(each["metadata"]["name"], 1)
            for each in self.objects("deployments", namespace)
        )

    def eventually(self, what: str, is_so: Callable[[], Any], *, seconds: float = 60) -> Any:
        """The first true answer. AssertionError, when there is none in time."""
        patience = time.monotonic() + seconds
        while not (answer := is_so()):
            assert time.monotonic() < patience, f"{what} is not so after {seconds:.0f} s"
            time.sleep(0.3)
        return answer


def furnish(cluster: Cluster, definitions: Path) -> None:
    """Nodes in three zones, volumes, and the definitions of operators' resources."""
    cluster.apply([*_nodes(), _storage_class(), *_volumes()])
    objects = [*_definitions(definitions), *_permissive()]
    names = [f"crd/{each['metadata']['name']}" for each in objects]
    cluster.apply(objects)
    cluster.kubectl("wait", "--for=condition=Established", "--timeout=60s", *names)
    count = len(ZONES) * NODES_OF_ZONE
    cluster.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "nodes", "--all")
    assert len(json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]) == count


def _nodes() -> Iterable[dict[str, Any]]:
    room = {"cpu": "64", "memory": "256Gi", "pods": "250"}
    for zone in ZONES:
        for number in range(NODES_OF_ZONE):
            name = f"node-{zone}-{number}"
            labels = {"topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
            yield {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": labels},
                "status": {"allocatable": room, "capacity": room},
            }


def _storage_class() -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "made", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "kubernetes.io/no-provisioner",
    }


def _volumes() -> Iterable[dict[str, Any]]:
    for number in range(VOLUMES):
        yield {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": f"volume-{number}"},
            "spec": {
                "capacity": {"storage": "100Gi"},
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "made",
                "hostPath": {"path": f"/nowhere/{number}"},
            },
        }


def _definitions(folder: Path) -> Iterable[dict[str, Any]]:
    for path in sorted(folder.rglob("*.yaml")):
        for each in yaml.safe_load_all(path.read_text()):
            if each and each["kind"] == "CustomResourceDefinition":
                each["spec"].pop("conversion", None)  # done by the operator, which is not here
                each.pop("status", None)
                yield _without_descriptions(each)


def _without_descriptions(schema: Any) -> Any:
    """They are most of a definition, and nobody reads them here."""
    if isinstance(schema, list):
        return [_without_descriptions(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_descriptions(each)
        for key, each in schema.items()
        if key != "description" or not isinstance(each, str)
    }


def _permissive() -> Iterable[dict[str, Any]]:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    for group, (version, kinds) in PERMISSIVE.items():
        for kind in kinds:
            plural = f"{kind.lower()}s"
            schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}}
            yield {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": f"{plural}.{group}"},
                "spec": {
                    "group": group,
                    "scope": "Namespaced",
                    "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
                    "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
                },
            }
