"""A command of a service as a job beside the release: made of what runs, waited for, its log and exit code told."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from usher_cli.release.manifests import COMPONENT, Object
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.programs import Programs, trouble_of
from usher_cli.release.rollout import pod_reasons
from usher_cli.release.target import COMMAND

POLL_SECONDS = 2.0
KEPT_SECONDS = 86_400
"""How long a job that has ended can be looked at."""
# What of a deployment's pod and container also holds for something that ends; probes, ports and hooks do not.
_OF_POD = (
    "serviceAccountName", "automountServiceAccountToken", "enableServiceLinks", "securityContext", "imagePullSecrets",
    "priorityClassName", "nodeSelector", "tolerations", "volumes",
)  # fmt: skip
_OF_CONTAINER = (
    "name", "image", "imagePullPolicy", "env", "envFrom", "resources", "securityContext", "volumeMounts",
)  # fmt: skip
_OF_LABELS = (
    "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/part-of", "app.kubernetes.io/version",
    "environment",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ended:
    """How a job ended: the exit code of its container, what it printed, and what else is to be told."""

    name: str
    code: int
    log: str
    notes: Sequence[str] = ()


def deployment_of(programs: Programs, service: str) -> Object:
    """What runs of a service. Trouble(BAD_INPUT)."""
    target = programs.target
    wanted = f"app.kubernetes.io/instance={target.release},{COMPONENT}={service}"
    found = [each for each in programs.objects("deployments", "--selector", wanted) if _is_of(each, service)]
    if not found:
        raise Trouble(Exit.BAD_INPUT, f"no {service} of release {target.release} runs in namespace {target.namespace}")
    return found[0]


def _is_of(deployment: Object, service: str) -> bool:
    return (deployment["metadata"].get("labels") or {}).get(COMPONENT) == service


def job_of(deployment: Object, command: Sequence[str], seconds: int) -> Object:
    """The job: image, settings, Secrets and security of the deployment; it has `seconds`, and one try."""
    name, labels = deployment["metadata"]["name"], deployment["metadata"]["labels"]
    template = deployment["spec"]["template"]["spec"]
    container = {key: template["containers"][0][key] for key in _OF_CONTAINER if key in template["containers"][0]}
    container["args"] = ["python", "-m", f"{labels[COMPONENT]}_service", *command]
    own = {**{key: labels[key] for key in _OF_LABELS if key in labels}, COMPONENT: COMMAND}
    pod = {key: template[key] for key in _OF_POD if key in template}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"{name}-{command[0]}-", "labels": own},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": seconds,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {
                "metadata": {"labels": own},
                "spec": {**pod, "restartPolicy": "Never", "containers": [container]},
            },
        },
    }


def made(programs: Programs, job: Object, *, dry_run: bool) -> str:
    """Its name; with `dry_run` the API server only says whether it would take it. Trouble."""
    options = ["--filename", "-", "--output", "json", *(["--dry-run=server"] if dry_run else [])]
    said = programs.try_kubectl("create", *options, given=json.dumps(job))
    if said.code:
        trouble = trouble_of("kubectl create", said)
        code = Exit.REFUSED if trouble.code is Exit.FAILED else trouble.code
        raise Trouble(code, str(trouble), *trouble.more)
    return str(json.loads(said.out)["metadata"]["name"])


def ended(programs: Programs, name: str) -> Ended:
    """Wait until it has; an API server that does not answer just now is asked again.

    Trouble(FAILED) where it could not begin, or took too long.
    """
    reasons: dict[str, None] = {}
    limit = time.monotonic() + programs.target.timeout_seconds + 60
    while True:
        try:
            (job,) = programs.objects("job", name)
            pods = programs.objects("pods", "--selector", f"batch.kubernetes.io/job-name={name}")
        except Trouble:
            if time.monotonic() > limit:
                raise
            time.sleep(POLL_SECONDS)
            continue
        reasons |= dict.fromkeys(reason for pod in pods for reason in pod_reasons(pod))
        outcome = _outcome(job)
        codes = list(_exit_codes(pods))
        if outcome and codes:
            return Ended(name, codes[0], *_log(programs, name))
        if outcome or time.monotonic() > limit:
            why = outcome or "Kubernetes does not say how it ended"
            raise Trouble(Exit.FAILED, f"job {name} did not end by itself: {why}", *reasons)
        time.sleep(POLL_SECONDS)


def _outcome(job: Object) -> str:
    """Nothing while it runs."""
    for each in (job.get("status") or {}).get("conditions") or []:
        if each["type"] in {"Complete", "Failed"} and each["status"] == "True":
            return ": ".join(filter(None, (each.get("reason") or each["type"], each.get("message"))))
    return ""


def _exit_codes(pods: Sequence[Mapping[str, Any]]) -> Iterator[int]:
    for pod in pods:
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            if found := (container.get("state") or {}).get("terminated"):
                yield int(found["exitCode"])


def _log(programs: Programs, name: str) -> tuple[str, list[str]]:
    said = programs.try_kubectl("logs", f"job/{name}")
    return said.out, [f"its log cannot be read: {said.lines[0]}"] if said.code else []
