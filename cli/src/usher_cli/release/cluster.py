"""The cluster a release goes to: which it is, its version, whether it has what the release needs."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from usher_cli.release.manifests import Object, containers_of, pods_of
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.programs import Programs, trouble_of

# Groups of operators, and how to do without them.
OPERATORS = {
    "gateway.networking.k8s.io": "the Gateway API, or set exposure.kind=loadBalancer",
    "cert-manager.io": "cert-manager, or set tls.certManager.enabled=false",
    "keda.sh": "KEDA, or set keda.enabled=false",
    "monitoring.coreos.com": "the Prometheus operator, or set monitoring.serviceMonitors and .alerts to false",
    "external-secrets.io": "the External Secrets operator, or set externalSecrets.enabled=false",
}
_KEYS = '{{range $key, $_ := .data}}{{$key}}{{"\\n"}}{{end}}'


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kubeconfig points to."""

    context: str
    server: str


def configured(programs: Programs) -> Place | None:
    """The cluster that would be asked, without asking it; None when none is configured. Trouble(BAD_INPUT)."""
    said = programs.try_kubectl("config", "view", "--minify", "--output", "json")
    if said.code == 0:
        found = json.loads(said.out)
        clusters = found.get("clusters") or [{"cluster": {}}]
        return Place(found.get("current-context", ""), clusters[0]["cluster"].get("server", ""))
    if programs.target.context:
        raise Trouble(
            Exit.BAD_INPUT,
            f"--context {programs.target.context}: there is no such context; `kubectl config get-contexts` lists them",
        )
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    return Place("in the cluster", f"https://{host}") if host else None


def require_configured(programs: Programs) -> Place:
    """The same; Trouble(UNREACHABLE) when none is."""
    place = configured(programs)
    if place is None:
        raise Trouble(Exit.UNREACHABLE, "no cluster is configured: point KUBECONFIG to one, or say --context")
    return place


def version_of_cluster(programs: Programs) -> str:
    """Its version, such as v1.35.4. Trouble(UNREACHABLE)."""
    said = programs.try_kubectl("version", "--output", "json")
    found = json.loads(said.out) if said.out.startswith("{") else {}
    if said.code or "serverVersion" not in found:
        raise trouble_of("kubectl version", said)
    return str(found["serverVersion"]["gitVersion"])


def require_namespace(programs: Programs) -> None:
    """Trouble(REFUSED) when it is not there."""
    name = programs.target.namespace
    said = programs.try_kubectl("get", "namespace", name, "--output", "name")
    if said.code == 0:
        return
    if "NotFound" in said.err:
        raise Trouble(Exit.REFUSED, f"namespace {name} is not there: kubectl create namespace {name}")
    if "cannot get resource" in said.err:
        return  # an account of one namespace need not see namespaces; what is applied would tell
    raise trouble_of("kubectl get namespace", said)


def require_kinds(programs: Programs, objects: Iterable[Object]) -> None:
    """Trouble(REFUSED) when the cluster does not know a kind of the release."""
    served = set(programs.kubectl("api-versions").split())
    unknown: defaultdict[str, set[str]] = defaultdict(set)
    for each in objects:
        if each["apiVersion"] not in served:
            unknown[each["apiVersion"]].add(each["kind"])
    if unknown:
        lines = [_kind_line(version, kinds) for version, kinds in sorted(unknown.items())]
        raise Trouble(Exit.REFUSED, *lines)


def _kind_line(version: str, kinds: set[str]) -> str:
    remedy = OPERATORS.get(version.partition("/")[0], "what brings it")
    return f"the cluster does not know {', '.join(sorted(kinds))} ({version}): install {remedy}"


def require_awake(programs: Programs, objects: Iterable[Object]) -> None:
    """Trouble(REFUSED) when a deployment was scaled to nothing and only an autoscaler, which 0 stops, would wake it."""
    objects = list(objects)
    least = {
        each["spec"]["scaleTargetRef"]["name"]: each["spec"].get("minReplicas") or each["spec"].get("minReplicaCount")
        for each in objects if each["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}
    }  # fmt: skip
    deployments = [each for each in objects if each["kind"] == "Deployment"]
    left = {each["metadata"]["name"] for each in deployments if "replicas" not in each["spec"]} & least.keys()
    asked = ("deployments", "--selector", f"app.kubernetes.io/instance={programs.target.release}")
    asleep = sorted(
        each["metadata"]["name"] for each in programs.objects(*asked)
        if each["spec"].get("replicas") == 0 and each["metadata"]["name"] in left
    )  # fmt: skip
    if asleep:
        scale = f"kubectl -n {programs.target.namespace} scale deployment"
        lines = [
            f"{name} is scaled to 0 and would stay so: {scale}/{name} --replicas={least[name] or 1}" for name in asleep
        ]
        raise Trouble(Exit.REFUSED, *lines)


@dataclass(frozen=True, slots=True)
class SecretNeeded:
    """A Secret that pods of the release cannot start without, and the keys they read."""

    name: str
    keys: frozenset[str]
    readers: frozenset[str]


def secrets_needed(objects: Iterable[Object]) -> list[SecretNeeded]:
    """Those that have to be there before, not made by the release itself."""
    objects = list(objects)
    keys: defaultdict[str, set[str]] = defaultdict(set)
    readers: defaultdict[str, set[str]] = defaultdict(set)
    for each, pod in pods_of(objects):
        for name, some in _references(pod):
            keys[name].update(some)
            readers[name].add(each["metadata"]["name"])
    for each in objects:
        if each["kind"] == "Gateway":
            for listener in each["spec"]["listeners"]:
                for reference in (listener.get("tls") or {}).get("certificateRefs", []):
                    keys[reference["name"]].update({"tls.crt", "tls.key"})
                    readers[reference["name"]].add(each["metadata"]["name"])
    made = set(_made(objects))
    return [
        SecretNeeded(name, frozenset(keys[name]), frozenset(readers[name])) for name in sorted(keys) if name not in made
    ]


def _references(pod: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    for reference in pod.get("imagePullSecrets") or []:
        yield reference["name"], set()
    for container in containers_of(pod):
        for variable in container.get("env") or []:
            found = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if found and not found.get("optional"):
                yield found["name"], {found["key"]}
        for source in container.get("envFrom") or []:
            if "secretRef" in source and not source["secretRef"].get("optional"):
                yield source["secretRef"]["name"], set()
    for volume in pod.get("volumes") or []:
        projected = [each["secret"] for each in (volume.get("projected") or {}).get("sources", []) if "secret" in each]
        for found in ([volume["secret"]] if "secret" in volume else []) + projected:
            if not found.get("optional"):
                yield found.get("secretName") or found["name"], {item["key"] for item in found.get("items") or []}


def _made(objects: Iterable[Object]) -> Iterator[str]:
    """Names of the Secrets that the release makes, or lets an operator make."""
    for each in objects:
        if each["kind"] == "Secret":
            yield each["metadata"]["name"]
        if each["kind"] == "ExternalSecret":
            yield each["spec"]["target"]["name"]
        if each["kind"] == "Certificate":
            yield each["spec"]["secretName"]


def missing_secrets(programs: Programs, needed: Iterable[SecretNeeded]) -> tuple[list[str], list[str]]:
    """What is missing, and what this account may not look at; only names of keys are read. Trouble."""
    missing, unseen = [], []
    for each in needed:
        said = programs.try_kubectl("get", "secret", each.name, "--output", f"go-template={_KEYS}")
        readers = ", ".join(sorted(each.readers))
        if said.code == 0:
            absent = sorted(each.keys - set(said.out.split()))
            missing += [f"Secret {each.name} has no key {key} ({readers} reads it)" for key in absent]
        elif "NotFound" in said.err:
            keys = ", ".join(sorted(each.keys)) or "any"
            missing.append(f"there is no Secret {each.name} (keys: {keys}; read by {readers})")
        elif "cannot get resource" in said.err:
            unseen.append(each.name)
        else:
            raise trouble_of("kubectl get secret", said)
    return missing, unseen


_CONFLICT = re.compile(r"conflicts? with \"([^\"]+)\"")


def require_accepted(programs: Programs, manifest: str, *, force: bool) -> None:
    """Let the API server try it all and keep nothing: admission, fields that cannot change. Trouble(REFUSED)."""
    options = ["--server-side", "--dry-run=server", "--field-manager=helm", "--filename", "-", "--output", "name"]
    options += ["--force-conflicts"] if force else []
    said = programs.try_kubectl("apply", *options, given=manifest, seconds=180.0)
    if said.code == 0:
        return
    trouble = trouble_of("kubectl apply --dry-run=server", said)
    if trouble.code is Exit.UNREACHABLE:
        raise trouble
    conflict = _CONFLICT.search(said.err)
    if conflict:
        raise Trouble(
            Exit.REFUSED,
            f"{conflict[1]} has changed what the release sets: --force takes it back",
            said.lines[0],
        )
    raise Trouble(Exit.REFUSED, f"the API server would not take it: {said.lines[0]}", *said.lines[1:8])
