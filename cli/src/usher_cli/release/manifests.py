"""Objects of a manifest: whose they are, what they run, and their text with secrets hidden."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml

from usher_cli.release.outcomes import unsigned

Object = dict[str, Any]
Key = tuple[str, str, str]
# Ten times as fast as the one in Python, where PyYAML was built with it.
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
COMPONENT = "app.kubernetes.io/component"
VERSION = "app.kubernetes.io/version"
HIDDEN = "(hidden)"
_SECRET = re.compile(r"(?i)(^|[_.-])(key|token|secret|password|passphrase|credentials?)$")


def objects_of(text: str) -> list[Object]:
    """The objects that stand in a manifest."""
    return [each for each in yaml.load_all(text, Loader=_FAST) if each]  # both loaders are the safe ones


def key_of(each: Object) -> Key:
    """What makes an object the same in two manifests, whichever version of its group they are written in."""
    group = each["apiVersion"].rpartition("/")[0]
    return group, each["kind"], each["metadata"]["name"]


def label_of(each: Mapping[str, Any], label: str) -> str:
    """A label, or nothing."""
    return str((each["metadata"].get("labels") or {}).get(label, ""))


def component_of(each: Mapping[str, Any]) -> str:
    """The part of Usher that an object belongs to."""
    return label_of(each, COMPONENT) or "release"


def hooks_of(each: Object) -> set[str]:
    """When helm runs it, for what is no part of the release proper."""
    text = (each["metadata"].get("annotations") or {}).get("helm.sh/hook", "")
    return {word.strip() for word in text.split(",") if word.strip()}


def pod_of(each: Object) -> Mapping[str, Any] | None:
    """The pod an object is or makes."""
    spec = each.get("spec") or {}
    if each["kind"] == "Pod":
        return dict(spec)
    if each["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template = spec.get("template") or {}
    pod = template.get("spec") if isinstance(template, dict) else None
    return dict(pod) if pod and "containers" in pod else None


def pods_of(objects: Iterable[Object]) -> Iterator[tuple[Object, Mapping[str, Any]]]:
    """Each object that makes pods, with the pod."""
    for each in objects:
        pod = pod_of(each)
        if pod is not None:
            yield each, pod


def containers_of(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All containers of a pod, those that run first included."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def images_of(objects: Iterable[Object]) -> set[str]:
    """Every image that is run."""
    return {container["image"] for _, pod in pods_of(objects) for container in containers_of(pod)}


def version_of(objects: Iterable[Object]) -> str:
    """The version that the workloads say they are."""
    found = {label_of(each, VERSION) for each in objects if each["kind"] == "Deployment"} - {""}
    return ", ".join(sorted(found))


def tells_a_secret(name: str) -> bool:
    """Whether something of this name is one by what it is called, such as USHER_PAGE_TOKEN_KEY."""
    return _SECRET.search(name) is not None


def shown(name: str, value: Any) -> Any:
    """A value as it may be printed: nothing that is a secret by its name, no password in a URL."""
    if isinstance(value, str):
        return HIDDEN if value and tells_a_secret(name) else unsigned(value)
    if isinstance(value, Mapping):
        variable = str(value.get("name", ""))  # of a container: {name: USHER_…, value: …}
        return {key: shown(variable if key == "value" else str(key), each) for key, each in value.items()}
    if isinstance(value, list):
        return [shown(name, each) for each in value]
    return value


def without_secrets(each: Object) -> Object:
    """The object as it may be printed: of a Secret only the keys."""
    if each["kind"] != "Secret":
        return each
    hidden: Object = {part: dict.fromkeys(each[part] or {}, HIDDEN) for part in ("data", "stringData") if part in each}
    return {**each, **hidden}
