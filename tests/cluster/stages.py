"""What kwok plays: nodes that are ready, pods that start, finish and go, and pods that never start or that fail."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

BROKEN = "0.9.9-broken"
"""Tag of an image that no node can pull: pods of it wait for ever. Pods that run once finish all the same."""
FAILING = "0.9.9-failing"
"""Tag of an image whose chart tests fail."""
FAILING_COMMAND = "0.9.9-wrong"
"""Tag of an image whose jobs end with exit code 4."""

STUCK = """
conditions:
- {type: PodScheduled, status: "True"}
- {type: Initialized, status: "True"}
- {type: Ready, status: "False", reason: ContainersNotReady}
- {type: ContainersReady, status: "False", reason: ContainersNotReady}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  restartCount: 0
  state: {waiting: {reason: ImagePullBackOff, message: {{ printf "Back-off pulling image %s" .image | Quote }}}}
{{ end }}
phase: Pending
"""
CANNOT_PULL = {"type": "Warning", "reason": "Failed", "message": "Failed to pull the image: not found"}
FINISHED = """
{{ $now := Now }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: false
  restartCount: 0
  state: {terminated: {exitCode: CODE, reason: REASON, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}
{{ end }}
startTime: {{ $now | Quote }}
phase: PHASE
"""


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def tagged(tag: str, *, of: str = "") -> str:
    """The images of a pod with this tag; of: what the pod has to be beside."""
    return f'{of}.spec.containers[].image | select(endswith(":{tag}"))'


ALIVE = expression(".metadata.deletionTimestamp", "DoesNotExist")
ONCE = expression(".spec.restartPolicy", "In", "Never", "OnFailure")
LASTING = expression(".spec.restartPolicy", "In", "Always")
WAITING = expression(".status.containerStatuses", "DoesNotExist")
FAILING_TEST = tagged(FAILING, of='select(.metadata.annotations."helm.sh/hook" == "test") | ')


def pod_stage(
    name: str, status: str, *conditions: Mapping[str, Any], event: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": "Pod"},
            "selector": {"matchExpressions": [ALIVE, WAITING, *conditions]},
            "next": {"statusTemplate": status, **({"event": event} if event else {})},
        },
    }


def finished(phase: str, code: int, reason: str) -> str:
    return FINISHED.replace("CODE", str(code)).replace("REASON", reason).replace("PHASE", phase)


def stages(folder: Path) -> str:
    """The configuration; folder: where kwok's own stages are."""
    found = [yaml.safe_load(path.read_text()) for path in sorted(folder.rglob("*.yaml"))]
    (ready,) = (each for each in found if each["metadata"]["name"] == "pod-ready")
    ready["spec"]["selector"]["matchExpressions"] += [LASTING, expression(tagged(BROKEN), "DoesNotExist")]
    found += [
        pod_stage("pod-stuck", STUCK, LASTING, expression(tagged(BROKEN), "Exists"), event=CANNOT_PULL),
        pod_stage(
            "pod-done",
            finished("Succeeded", 0, "Completed"),
            ONCE,
            expression(FAILING_TEST, "DoesNotExist"),
            expression(tagged(FAILING_COMMAND), "DoesNotExist"),
        ),
        pod_stage("pod-wrong", finished("Failed", 4, "Error"), ONCE, expression(tagged(FAILING_COMMAND), "Exists")),
        pod_stage("pod-failed", finished("Failed", 1, "Error"), ONCE, expression(FAILING_TEST, "Exists")),
    ]
    return yaml.safe_dump_all(found)
