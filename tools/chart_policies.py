"""What every rendered object has to keep to, beside what any release has to, and what may differ, each with its reason.

The rules are those of the Kubernetes Hardening Guide (NSA, 1.2), the CIS Kubernetes Benchmark (chapter 5) and checkov
(CKV_K8S_…) that a chart can keep or break; usher_cli.release.policies has those of every
release, Pod Security among them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usher_cli.release.manifests import containers_of, pod_of
from usher_cli.release.policies import findings

Thing = Mapping[str, Any]
Find = Callable[[Thing], Iterator[str]]
WORKLOADS = ("Deployment", "StatefulSet", "Job")
RIGHTS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


@dataclass(frozen=True)
class Rule:
    """`find` gives one line for each breach in an object. why: what goes wrong otherwise, and who says so."""

    name: str
    why: str
    find: Find


@dataclass(frozen=True)
class Allowed:
    """`objects`: "Kind name", a regular expression."""

    rule: str
    objects: str
    reason: str


def _containers_of(each: Thing) -> Sequence[Thing]:
    pod = pod_of(each)
    return containers_of(pod) if pod else []


def _each_container(breach: Callable[[Thing], bool]) -> Find:
    def find(each: Thing) -> Iterator[str]:
        yield from (container["name"] for container in _containers_of(each) if breach(container))

    return find


def _is_kind(*kinds: str) -> Find:
    def find(each: Thing) -> Iterator[str]:
        if each["kind"] in kinds:
            yield each["kind"]

    return find


def _unprobed(each: Thing) -> Iterator[str]:
    if each["kind"] in ("Deployment", "StatefulSet"):
        for container in pod_of(each)["containers"]:
            if not {"livenessProbe", "readinessProbe"} <= container.keys():
                yield container["name"]


def _default_account(each: Thing) -> Iterator[str]:
    pod = pod_of(each)
    if pod and pod.get("serviceAccountName", "default") == "default":
        yield "its pods"


def _low_user(each: Thing) -> Iterator[str]:
    pod = pod_of(each)
    for container in _containers_of(each):
        user = container.get("securityContext", {}).get("runAsUser", pod.get("securityContext", {}).get("runAsUser", 0))
        if user < 10_000:
            yield container["name"]


def _opened(each: Thing) -> Iterator[str]:
    if each["kind"] == "Service" and each["spec"].get("type", "ClusterIP") != "ClusterIP":
        yield each["spec"]["type"]
    if each["kind"] == "Service" and each["spec"].get("externalIPs"):
        yield "externalIPs"


def _endless(each: Thing) -> Iterator[str]:
    if each["kind"] == "Job" and not {"activeDeadlineSeconds", "backoffLimit"} <= each["spec"].keys():
        yield "the job"


def _unbounded(each: Thing) -> Iterator[str]:
    for volume in (pod_of(each) or {}).get("volumes", []):
        if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
            yield volume["name"]


def _secret_content(each: Thing) -> Iterator[str]:
    if each["kind"] == "Secret":
        yield from {**each.get("data", {}), **each.get("stringData", {})}


def _secret_variables(container: Thing) -> bool:
    return any("secretKeyRef" in each.get("valueFrom", {}) for each in container.get("env", []))


def _unpinned(container: Thing) -> bool:
    return "@sha256:" not in container["image"]


def _own_namespace(each: Thing) -> Iterator[str]:
    if "namespace" in each["metadata"]:
        yield each["metadata"]["namespace"]


def _shell(container: Thing) -> bool:
    words = [*container.get("command", []), *container.get("args", [])]
    return any(word in {"sh", "bash", "/bin/sh", "/bin/bash"} for word in words)


RULES = (
    Rule("no rights", "whatever gets into a pod could use them (NSA, CIS 5.1)", _is_kind(*RIGHTS)),
    Rule("own account", "rights given to the default account later would be everybody's (CIS 5.1.5)", _default_account),
    Rule("high user", "a low one may be somebody's on the node (CKV_K8S_40)", _low_user),
    Rule("a digest", "a tag can be moved (CKV_K8S_43)", _each_container(_unpinned)),
    Rule("probes", "who hangs is not restarted, who is not ready gets calls (CKV_K8S_8, 9)", _unprobed),
    Rule("one way in", "each further one is another to be guarded (CIS 5.3, NSA)", _opened),
    Rule("an end", "a job that hangs holds up every release", _endless),
    Rule("scratch is bounded", "who fills it fills the node", _unbounded),
    Rule("no secrets in manifests", "they are kept with the release, and shown by helm (CIS 5.4)", _secret_content),
    Rule(
        "secrets as files",
        "variables are more easily dumped (CKV_K8S_35, CIS 5.4.1)",
        _each_container(_secret_variables),
    ),
    Rule("no namespace", "the release's own is the one that is asked for (CKV_K8S_21)", _own_namespace),
    Rule("no shell", "what it interprets cannot be checked here", _each_container(_shell)),
)
ALLOWED = (
    Allowed(
        "own account",
        "Job usher-(topics|prepare|seed)|Pod usher-smoke",
        "hooks may come before the accounts of the release; without a token the account gives them nothing",
    ),
    Allowed("own account", "StatefulSet .*", "engines for development: no token, and nobody else is in that namespace"),
    Allowed(
        "a digest",
        ".*",
        "the tag is the version of the release, whose signature Deploy verifies; others are for development alone",
    ),
    Allowed("one way in", "Service usher-gateway", "exposure.kind loadBalancer: this is the way in"),
    Allowed("no secrets in manifests", "Secret usher-sandbox", "in development alone; no money is moved by it"),
    Allowed(
        "no secrets in manifests",
        "Secret usher-elasticsearch-roles",
        "what a role may do is no secret; ECK reads it from a Secret only",
    ),
    Allowed(
        "secrets as files",
        ".*",
        "settings come from the environment of a process that starts no others, and no log shows them (tested)",
    ),
    Allowed("scratch is bounded", "StatefulSet .*", "engines for development: they write logs there"),
)


def name_of(each: Thing) -> str:
    """As exceptions name it."""
    return f"{each['kind']} {each['metadata']['name']}"


def allowed(rule: Rule, each: Thing) -> list[Allowed]:
    """The exceptions that an object has from a rule."""
    return [one for one in ALLOWED if one.rule == rule.name and re.fullmatch(one.objects, name_of(each))]


def breaches(objects: Iterable[Thing]) -> list[str]:
    """What is not allowed, a line each."""
    objects = list(objects)
    return findings(objects) + [
        f"{rule.name}: {name_of(each)}: {what} ({rule.why})"
        for each in objects
        for rule in RULES
        if not allowed(rule, each)
        for what in rule.find(each)
    ]
