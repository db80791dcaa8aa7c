"""What objects mean, whoever wrote them: what a container gets, who may talk to whom, lists without an order."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gateway_config.__main__ import configured

Object = dict[str, Any]
COMPONENT = "app.kubernetes.io/component"


def by_name(objects: Iterable[Object]) -> dict[tuple[str, str], Object]:
    """(kind, name) → object, in the order of a canonical form."""
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def pod_of(each: Object) -> Object | None:
    """The pod that an object is, or makes."""
    if each["kind"] == "Pod":
        return each["spec"]
    template = each.get("spec", {}).get("template", {})
    return template.get("spec") if "containers" in template.get("spec", {}) else None


def containers_of(each: Object) -> list[Object]:
    pod = pod_of(each) or {}
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


class Sources:
    """The ConfigMaps and Secrets that stand beside the pods."""

    def __init__(self, objects: Iterable[Object]) -> None:
        found = by_name(objects)
        self._maps = {name: each.get("data", {}) for (kind, name), each in found.items() if kind == "ConfigMap"}
        self._secrets = {name: each["stringData"] for (kind, name), each in found.items() if kind == "Secret"}

    def data(self, name: str) -> Mapping[str, str]:
        """Of a ConfigMap. KeyError."""
        return self._maps[name]

    def environment(self, container: Object) -> dict[str, Any]:
        """Variable → its text, or the key of a Secret made elsewhere; as the kubelet puts them together."""
        found: dict[str, Any] = {}
        for each in container.get("envFrom", []):
            found |= self._maps[each["configMapRef"]["name"]]
        for each in container.get("env", []):
            found[each["name"]] = self._text(each)
        return found

    def _text(self, variable: Object) -> Any:
        origin = variable.get("valueFrom", {})
        if "configMapKeyRef" in origin:
            return self._maps[origin["configMapKeyRef"]["name"]][origin["configMapKeyRef"]["key"]]
        if "secretKeyRef" in origin:
            key = {"optional": False, **origin["secretKeyRef"]}
            return self._secrets.get(key["name"], {}).get(key["key"], key)
        return variable.get("value", "")


def envoy_configuration(objects: list[Object]) -> Object:
    """What Envoy reads: ready in the ConfigMap, or put together by the first container as it starts."""
    found, sources = by_name(objects), Sources(objects)
    pod = pod_of(found["Deployment", "usher-gateway"]) or {}
    (name,) = (each["configMap"]["name"] for each in pod["volumes"] if each["name"] == "configuration")
    files, (first,) = sources.data(name), pod["initContainers"]
    if "envFrom" not in first:
        return json.loads(files["envoy.yaml"])
    return json.loads(configured(files, Path(first["args"][3]), sources.environment(first)))


def selects(selector: Object, component: str) -> bool:
    labels = {"app.kubernetes.io/name": "usher", "app.kubernetes.io/instance": "usher", COMPONENT: component}
    wanted = selector.get("matchExpressions", [])
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"] for each in wanted
    )


def allowed(objects: Iterable[Object], components: Iterable[str]) -> set[tuple[str, ...]]:
    """(component, direction, peer, port) of what the policies let pass, (component, direction) where they judge."""
    components, found = sorted(components), set()
    for spec in (each["spec"] for each in objects if each["kind"] == "NetworkPolicy"):
        for component in (each for each in components if selects(spec["podSelector"], each)):
            found |= {(component, direction) for direction in spec["policyTypes"]}
            for direction, rules, peers in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
                for rule in spec.get(rules) or []:
                    ports = [f"{port['protocol']} {port['port']}" for port in rule.get("ports", [])] or ["any"]
                    found |= {
                        (component, direction, who, port)
                        for peer in rule[peers] for who in _who(peer, components) for port in ports
                    }  # fmt: skip
    return found


def _who(peer: Object, components: list[str]) -> list[str]:
    if peer.keys() == {"podSelector"} and "app.kubernetes.io" in str(peer):
        return [each for each in components if selects(peer["podSelector"], each)]
    return [json.dumps(peer, sort_keys=True)]


def without_order(value: Any) -> Any:
    """Lists of named things sorted, for Kubernetes reads them as sets; texts of arguments stay as they are."""
    if isinstance(value, dict):
        return {key: without_order(each) for key, each in sorted(value.items())}
    if isinstance(value, list):
        inner = [without_order(each) for each in value]
        return sorted(inner, key=lambda each: json.dumps(each, sort_keys=True)) if _is_set(inner) else inner
    return value


def _is_set(items: list[Any]) -> bool:
    return all(isinstance(each, dict) for each in items)
