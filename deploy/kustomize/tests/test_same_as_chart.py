"""An overlay and the chart with the values of that environment make the same platform, but for what is listed here."""

import copy
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from kustomize_build import OVERLAYS, build, own_components, variant
from meaning import (
    COMPONENT,
    Object,
    Sources,
    allowed,
    by_name,
    containers_of,
    envoy_configuration,
    pod_of,
    without_order,
)

ENGINES = ("mongodb", "kafka", "elasticsearch")
Change = Callable[[list[Object]], list[Object]]


def nothing(objects: list[Object]) -> list[Object]:
    return objects


@dataclass(frozen=True, slots=True)
class Difference:
    """Why the two differ, and what makes their objects alike."""

    reason: str
    chart: Change
    overlay: Change


def without(objects: list[Object], kind: str, *names: str) -> list[Object]:
    """Leave out objects of a kind by name, or all of them."""
    return [each for each in objects if each["kind"] != kind or (names and each["metadata"]["name"] not in names)]


def each_metadata(objects: list[Object]):
    for each in objects:
        yield each, each["metadata"]
        if each["kind"] != "NetworkPolicy" and "template" in each.get("spec", {}):
            yield each, each["spec"]["template"]["metadata"]


def without_smoke(objects):
    return without(without(objects, "Pod", "usher-smoke"), "ExternalSecret", "usher-smoke")


def without_prepare(objects):
    return without(objects, "Job", "usher-prepare")


def without_makers(objects):
    for _, metadata in each_metadata(objects):
        for label in ("app.kubernetes.io/managed-by", "helm.sh/chart"):
            metadata["labels"].pop(label, None)
    return objects


def without_versions(objects):
    for each, metadata in each_metadata(objects):
        if each["kind"] != "Deployment":
            metadata["labels"].pop("app.kubernetes.io/version", None)
    return objects


def with_plain_environments(objects):
    sources = Sources(objects)
    for each in objects:
        for container in containers_of(each):
            container["env"] = sources.environment(container)
            container.pop("envFrom", None)
    return objects


def with_plain_envoy(objects):
    """The configuration that Envoy ends up with stands in the ConfigMap `usher-gateway`."""
    configuration = envoy_configuration(objects)
    deployment = by_name(objects)["Deployment", "usher-gateway"]
    deployment["spec"]["template"]["metadata"].pop("annotations", None)
    pod = pod_of(deployment)
    (volume,) = (each for each in pod["volumes"] if each["name"] == "configuration")
    held = by_name(objects)["ConfigMap", volume["configMap"]["name"]]
    held["metadata"]["name"] = volume["configMap"]["name"] = "usher-gateway"
    read = json.dumps(configuration)
    held["data"] = {name: text for name, text in held["data"].items() if f"/etc/gateway/{name}" in read}
    held["data"]["envoy.yaml"] = configuration
    first, container = pod["initContainers"][0], pod["containers"][0]
    first["args"], container["args"][2] = first["args"][:4], "envoy.yaml"
    first["volumeMounts"] = [each for each in first["volumeMounts"] if each["name"] != "configuration"]
    for each in (first, container):
        each.pop("envFrom", None)
    first.pop("env", None)
    return objects


def without_settings(objects):
    kept = ("usher-gateway", "usher-dashboard-")
    return [each for each in objects if each["kind"] != "ConfigMap" or each["metadata"]["name"].startswith(kept)]


def without_secrets(objects):
    return without(objects, "Secret", "usher-single-node")


def without_marks(objects):
    for each in objects:
        own = each["metadata"].get("annotations", {})
        kept = {name: text for name, text in own.items() if not name.startswith("usher/")}
        each["metadata"].pop("annotations", None)
        each["metadata"].update({"annotations": kept} if kept else {})
    return objects


def without_hook(objects):
    for each in objects:
        if each["kind"] == "Job":
            each["metadata"].pop("annotations", None)
            each["spec"].pop("ttlSecondsAfterFinished", None)
            each["metadata"]["name"] = "-".join(each["metadata"]["name"].split("-")[:2])
    return objects


def with_brokers_of_the_pods(objects):
    found = by_name(objects)
    for each in (each for each in objects if each["kind"] == "ScaledObject"):
        (container,) = pod_of(found["Deployment", each["spec"]["scaleTargetRef"]["name"]])["containers"]
        for metadata in (trigger["metadata"] for trigger in each["spec"]["triggers"]):
            if "bootstrapServersFromEnv" in metadata:
                metadata["bootstrapServers"] = container["env"][metadata.pop("bootstrapServersFromEnv")]
    return objects


def with_one_login(objects):
    logins = [each for each in objects if each["kind"] == "TriggerAuthentication"]
    for each in logins:
        each["metadata"] = {"name": "usher-kafka", "labels": {COMPONENT: "kafka"}}
    for each in (each for each in objects if each["kind"] == "ScaledObject"):
        for trigger in (trigger for trigger in each["spec"]["triggers"] if "authenticationRef" in trigger):
            trigger["authenticationRef"] = {"name": "usher-kafka"}
    return objects


def without_login_that_may_be_missing(objects):
    for container in (container for each in objects for container in containers_of(each)):
        for name in ("USHER_KAFKA_USER", "USHER_KAFKA_PASSWORD"):
            if isinstance(login := container["env"].get(name), dict) and login["optional"]:
                del container["env"][name]
    return objects


def with_policies_by_meaning(objects):
    """One object that says who of those there are may talk to whom; labels of policies mean nothing."""
    own = {each["metadata"]["labels"][COMPONENT] for each in objects if pod_of(each)}
    ways = [way for way in allowed(objects, {*own, *ENGINES}) if way[0] in own]
    told = {"kind": "Ways", "metadata": {"name": "usher", "labels": {}}, "ways": {" ".join(way): way for way in ways}}
    return [*without(objects, "NetworkPolicy"), told]


def with_engines_where_they_are(objects):
    """Ways to an engine are left out but those to where it is: beside, beside by an operator, or in its namespace."""
    kinds = {each["kind"]: each["metadata"]["labels"].get(COMPONENT) for each in objects}
    run = {kinds[kind] for kind in ("MongoDBCommunity", "Kafka", "Elasticsearch") if kind in kinds}
    beside = {each["metadata"]["labels"][COMPONENT] for each in objects if pod_of(each)}
    nowhere = set()
    for name in ENGINES:
        places = [name, _pods(name), _namespace(name)]
        nowhere |= {*places} - {places[0 if name in beside else 1 if name in run else 2]}
    for each in (each for each in objects if each["kind"] == "Ways"):
        each["ways"] = {name: way for name, way in each["ways"].items() if not nowhere & set(way)}
    return objects


def _namespace(name):
    return json.dumps({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}})


def _pods(name):
    """As the operators label them."""
    labels = {
        "mongodb": {"app": "usher-mongodb-svc"},
        "kafka": {"strimzi.io/cluster": "usher-kafka"},
        "elasticsearch": {"elasticsearch.k8s.elastic.co/cluster-name": "usher-elasticsearch"},
    }
    return json.dumps({"podSelector": {"matchLabels": labels[name]}})


def without_authority_of_operators_mongodb(objects):
    if any(each["kind"] == "MongoDBCommunity" for each in objects):
        for pod in filter(None, map(pod_of, objects)):
            pod["volumes"] = [each for each in pod["volumes"] if each["name"] != "mongodb-ca"]
            for container in pod["containers"]:
                container["volumeMounts"] = [each for each in container["volumeMounts"] if each["name"] != "mongodb-ca"]
    return objects


def without_labels_of_claims(objects):
    for each in objects:
        for claim in each.get("spec", {}).get("volumeClaimTemplates", []):
            claim["metadata"].pop("labels", None)
    return objects


def both(reason: str, change: Change) -> Difference:
    return Difference(reason, change, change)


DIFFERENCES = [
    Difference("the smoke test and its account are for `helm test`", without_smoke, nothing),
    Difference("stores are prepared by services when they start", without_prepare, nothing),
    both("labels say who made an object", without_makers),
    both("deployments say their version; nothing else changes with a release", without_versions),
    both("the gateway's first container fills in its configuration: kustomize changes no text", with_plain_envoy),
    both("settings stand in ConfigMaps, not in each pod", with_plain_environments),
    Difference("ConfigMaps of settings have no match", nothing, without_settings),
    Difference("engines for development are named in a Secret", nothing, without_secrets),
    both("there are no hooks: a job has the version in its name and goes away when it is done", without_hook),
    Difference("KEDA reads the brokers where the pods do", nothing, with_brokers_of_the_pods),
    both("KEDA has one login, not one a consumer", with_one_login),
    Difference("a login that may be missing is left out", without_login_that_may_be_missing, nothing),
    both("policies are written by edge, not by pod", with_policies_by_meaning),
    Difference("a policy lets an engine be in a namespace of its own or beside", nothing, with_engines_where_they_are),
    Difference("annotations tell the wiring where to put something", nothing, without_marks),
    Difference("MongoDB of an operator brings no authority", without_authority_of_operators_mongodb, nothing),
    Difference("claims of engines say whose they are", nothing, without_labels_of_claims),
]  # fmt: skip


def alike(objects, side, left_out=None):
    """(kind, name) → object, after all differences but one."""
    changed = copy.deepcopy(objects)
    for each in changed:
        each["metadata"].pop("namespace", None)
    for each in DIFFERENCES:
        if each is not left_out:
            changed = getattr(each, side)(changed)
    return {key: without_order(each) for key, each in by_name(changed).items()}


def told(ours, theirs):
    """What differs, one line each, for whoever has to mend it."""
    found = [f"only in the chart: {key}" for key in sorted(theirs.keys() - ours.keys())]
    found += [f"only in the overlay: {key}" for key in sorted(ours.keys() - theirs.keys())]
    for key in sorted(ours.keys() & theirs.keys()):
        found += [f"{key} {line}" for line in where(ours[key], theirs[key])]
    return found


def where(ours, theirs, path=""):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            line for key in sorted({*ours, *theirs}) for line in where(ours.get(key), theirs.get(key), f"{path}.{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            line
            for index, pair in enumerate(zip(ours, theirs, strict=True))
            for line in where(*pair, f"{path}[{index}]")
        ]
    return [] if ours == theirs else [f"{path}: {ours!r:.300} is {theirs!r:.300} in the chart"]


def test_an_overlay_makes_what_the_chart_makes(environment, built, charted):
    ours, theirs = alike(built(environment), "overlay"), alike(charted(environment), "chart")
    assert len([kind for kind, _ in ours if kind == "Deployment"]) == 8
    assert told(ours, theirs) == []


# One component more or less than the overlay has, and the values that say so.
SWITCHES = [
    ("staging", "-priorities", {"priorityClasses": {"create": False}}),
    ("staging", "-network-policies", {"network": {"policies": False}}),
    ("staging", "-keda", {"keda": {"enabled": False}}),
    ("staging", "-observability", {"monitoring": {"serviceMonitors": False, "alerts": False, "dashboards": False}}),
    ("staging", "-external-secrets", {"externalSecrets": {"enabled": False}}),
    ("staging", "-gateway-api", {"exposure": {"kind": "none"}, "tls": {"certManager": {"enabled": False}}}),
    ("staging", "-gateway-api +load-balancer", {"exposure": {"kind": "loadBalancer"}, "gateway": {"trustedHops": 0}}),
    (
        "staging",
        "-engines-tls -external-secrets +operators",
        {"engines": {"kind": "operators"}, "externalSecrets": {"enabled": False}},
    ),
    ("staging", "+mtls", {"tls": {"internal": {"enabled": True}}}),
    ("dev", "+priorities", {"priorityClasses": {"create": True}}),
    ("dev", "-network-policies", {"network": {"policies": False}}),
    (
        "dev",
        "+observability +mtls",
        {
            "monitoring": {"serviceMonitors": True, "alerts": True, "dashboards": True},
            "tls": {"internal": {"enabled": True}},
        },
    ),
]


@pytest.mark.parametrize(
    ("environment", "change", "values"), SWITCHES, ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_component_makes_what_its_switch_of_the_chart_makes(environment, change, values, combined, charted):
    chosen = own_components(environment)
    for sign, name in ((word[0], word[1:]) for word in change.split()):
        chosen = [*chosen, name] if sign == "+" else [each for each in chosen if each != name]
    ours, theirs = alike(combined(environment, chosen), "overlay"), alike(charted(environment, values), "chart")
    assert told(ours, theirs) == []


@pytest.fixture(scope="module")
def run_by_operators(charted, tmp_path_factory):
    """Engines of operators: overlay and chart."""
    chosen = [each for each in own_components("staging") if each not in ("engines-tls", "external-secrets")]
    folder = variant("staging", [*chosen, "operators"], tmp_path_factory.mktemp("operators"))
    values = {"engines": {"kind": "operators"}, "externalSecrets": {"enabled": False}}
    return build(folder), charted("staging", values)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda each: each.reason)
def test_each_difference_is_one(difference, built, charted, run_by_operators):
    """What no longer differs is to leave the list."""

    def same(overlay, chart):
        try:
            return (
                told(alike(overlay, "overlay", left_out=difference), alike(chart, "chart", left_out=difference)) == []
            )
        except (AttributeError, KeyError, ValueError, TypeError):
            return False

    pairs = itertools.chain(((built(each), charted(each)) for each in OVERLAYS), [run_by_operators])
    assert not all(itertools.starmap(same, pairs))
