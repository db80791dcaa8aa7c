"""What no pod of a release may be: checked on every manifest before it goes anywhere.

Pod Security Standards, profile "restricted" (kubernetes.io/docs/concepts/security/pod-security-standards); images that
stay what they are; room that is asked for; no token and no writable root that nobody needs.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from usher_cli.release.manifests import Object, containers_of, pods_of

_HOST = ("hostNetwork", "hostPID", "hostIPC")
_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_PROFILES = {"RuntimeDefault", "Localhost"}


def findings(objects: Iterable[Object]) -> list[str]:
    """What is against the rules, one line each: the object, the container, the rule."""
    found = []
    for each, pod in pods_of(objects):
        owner = f"{each['kind']} {each['metadata']['name']}"
        found += [f"{owner}: {what}" for what in (*_of_pod(pod), *_of_containers(pod))]
    return found


def _of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{field} is on" for field in _HOST if pod.get(field))
    for volume in pod.get("volumes", []):
        if not volume.keys() - {"name"} <= _VOLUMES:
            yield f"volume {volume['name']} is of a kind that reaches the node"
    if pod.get("automountServiceAccountToken") is not False:
        yield "it is given a token of the API server (automountServiceAccountToken)"


def _of_containers(pod: Mapping[str, Any]) -> Iterator[str]:
    security = pod.get("securityContext") or {}
    for container in containers_of(pod):
        own = container.get("securityContext") or {}
        merged = {**security, **own}
        capabilities = own.get("capabilities") or {}
        resources = container.get("resources") or {}
        wrong = {
            "privileged": bool(own.get("privileged")),
            "allowPrivilegeEscalation is not false": own.get("allowPrivilegeEscalation") is not False,
            "capabilities are not dropped": capabilities.get("drop") != ["ALL"]
            or not set(capabilities.get("add") or []) <= {"NET_BIND_SERVICE"},
            "it may run as root": merged.get("runAsNonRoot") is not True or merged.get("runAsUser") == 0,
            "no seccompProfile": (merged.get("seccompProfile") or {}).get("type") not in _PROFILES,
            "hostPort": any(port.get("hostPort") for port in container.get("ports") or []),
            "procMount": own.get("procMount", "Default") != "Default",
            "its root can be written to": own.get("readOnlyRootFilesystem") is not True,
            f"image {container['image']} may be another one tomorrow": may_change(container["image"]),
            "no requests of cpu and memory": not {"cpu", "memory"} <= (resources.get("requests") or {}).keys(),
            "no limit of memory": "memory" not in (resources.get("limits") or {}),
        }
        yield from (f"container {container['name']}: {what}" for what, is_so in wrong.items() if is_so)


def may_change(image: str) -> bool:
    """Whether an image has neither digest nor version; a tag without a digit (latest, main, edge) is none."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return not any(each.isdecimal() for each in tag)
