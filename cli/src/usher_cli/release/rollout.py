"""How far a release is, part by part, and what keeps it: read from workloads, pods and events while helm waits."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local_stack.lifecycle import Phase, Progress
from usher_cli.release.manifests import Object, component_of, containers_of
from usher_cli.release.outcomes import Trouble
from usher_cli.release.programs import Programs

WORKLOADS = "deployments,statefulsets,jobs"
# Of these a pod does not come back by waiting, or nobody knows it yet.
WAITING = {
    "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError",
    "CrashLoopBackOff", "RunContainerError", "ErrImageNeverPull",
}  # fmt: skip
EVENTS = {"Failed", "Unhealthy", "FailedScheduling", "FailedCreate", "FailedMount", "BackOff", "FailedAttachVolume"}
REASONS_KEPT = 6
_POD = re.compile(r"-[a-z0-9]{6,10}-[a-z0-9]{5}\b")


@dataclass(frozen=True, slots=True)
class Part:
    """One workload: how many of its pods are up to date and ready, of how many."""

    component: str
    kind: str
    name: str
    ready: int
    wanted: int
    version: str
    phase: Phase

    @property
    def detail(self) -> str:
        """For people."""
        return f"{self.ready}/{self.wanted}"


def part_of(each: Object, generation_before: int | None) -> Part:
    """What a workload says of itself; `generation_before`: what has to be passed first, None where nothing changes."""
    kind, spec, status = each["kind"], each["spec"], each.get("status") or {}
    version = str((each["metadata"].get("labels") or {}).get("app.kubernetes.io/version", ""))
    if kind == "Job":
        wanted, ready = spec.get("completions") or 1, status.get("succeeded", 0)
        failed = any(each["type"] == "Failed" and each["status"] == "True" for each in status.get("conditions") or [])
        phase: Phase = "failed" if failed else "ready" if ready >= wanted else "waiting"
    else:
        wanted = spec.get("replicas", 1)
        ready = min(status.get("updatedReplicas", 0), status.get("readyReplicas", 0))
        seen = status.get("observedGeneration", 0) >= each["metadata"].get("generation", 0)
        begun = generation_before is None or each["metadata"].get("generation", 0) > generation_before
        left = status.get("replicas", 0) > status.get("updatedReplicas", 0)
        # 0 of 0 is nothing that anybody could call
        phase = "ready" if seen and begun and not left and ready >= max(wanted, 1) else "waiting"
    return Part(component_of(each), kind, each["metadata"]["name"], ready, wanted, version, phase)


def pod_reasons(pod: Object) -> list[str]:
    """Why a pod is not ready, as far as it says so itself."""
    status, found = pod.get("status") or {}, []
    found += [
        f"{each.get('reason', 'Unschedulable')}: {each.get('message', '')}"
        for each in status.get("conditions") or []
        if each["type"] == "PodScheduled" and each["status"] == "False"
    ]
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        ended = (
            (container.get("lastState") or {}).get("terminated")
            or (container.get("state") or {}).get("terminated")
            or {}
        )
        if waiting.get("reason") in WAITING:
            found.append(f"{waiting['reason']}: {waiting.get('message') or container.get('image', '')}")
        if ended.get("exitCode"):
            found.append(
                f"container {container['name']} ended with {ended['exitCode']} ({ended.get('reason', 'Error')})"
            )
    return found


def is_ready(pod: Object) -> bool:
    """Whether it takes calls, or has done what it was for."""
    status = pod.get("status") or {}
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or [])
    return ready or status.get("phase") == "Succeeded"


@dataclass(slots=True)
class Watch:
    """Looks at a release again and again, tells what changes, and remembers why parts were not ready.

    `changing`: workloads (kind, name) that this release changes, with the generation they had before (0: not there).
    `done`: jobs of earlier releases, by uid. From the moment when helm gives `revision` up, what it takes back then is
    not looked at any more: `late` are the parts that were not ready by then.
    """

    programs: Programs
    changing: Mapping[tuple[str, str], int]
    progress: Progress
    revision: int
    done: frozenset[str] = frozenset()
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    parts: dict[tuple[str, str], Part] = field(default_factory=dict)
    reasons: defaultdict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    logs: dict[str, str] = field(default_factory=dict)
    late: tuple[str, ...] | None = None

    @property
    def selector(self) -> str:
        """Of everything the release has made."""
        return self.programs.target.selector

    def look(self) -> None:
        """Once; an API server that does not answer just now is asked again the next time."""
        if self.late is not None or self._given_up():
            return
        for each in self._seen(WORKLOADS, "--selector", self.selector):
            key = (each["kind"], each["metadata"]["name"])
            if each["metadata"].get("uid") in self.done:
                continue
            self._tell(part_of(each, self.changing.get(key)))
        self._look_at_pods()

    def _seen(self, *what: str) -> list[Object]:
        try:
            return self.programs.objects(*what)
        except Trouble:
            return []

    def _look_at_pods(self) -> None:
        for pod in self._seen("pods", "--selector", self.selector):
            self._remember(pod)

    def _given_up(self) -> bool:
        record = f"owner=helm,name={self.programs.target.release},version={self.revision},status=failed"
        said = self.programs.try_kubectl("get", "secrets", "--selector", record, "--output", "name")
        if said.code or not said.out.strip():
            return False
        self.end()
        return True

    def end(self) -> None:
        """Remember what is not ready now, and what events say about it."""
        if self.late is None:
            self._look_at_pods()
            self.read_events()
            self.late = tuple(sorted({part.component for part in self.parts.values() if part.phase != "ready"}))
            for name in self.late:
                self.progress(name, "failed", next(iter(self.reasons.get(name, {})), "not ready in time"))

    def _tell(self, part: Part) -> None:
        key = (part.kind, part.name)
        if self.parts.get(key) != part:
            self.parts[key] = part
            self.progress(part.component, part.phase, part.detail)

    def _remember(self, pod: Object) -> None:
        if is_ready(pod):
            return
        name = pod["metadata"]["name"]
        for reason in pod_reasons(pod):
            self._add(component_of(pod), reason)
        if name not in self.logs and _has_ended(pod):
            self.logs[name] = self._last_line(pod)
            if self.logs[name]:
                self._add(component_of(pod), f"its log ends: {self.logs[name]}")

    def _last_line(self, pod: Object) -> str:
        """Of the container that ended; nothing when the node does not tell."""
        container = containers_of(pod["spec"])[-1]["name"]
        for previous in (["--previous"], []):
            said = self.programs.try_kubectl(
                "logs", pod["metadata"]["name"], "--container", container, "--tail", "5", *previous
            )
            lines = [line for line in said.out.splitlines() if line.strip()]
            if said.code == 0 and lines:
                return lines[-1][:400]
        return ""

    def _add(self, component: str, reason: str) -> None:
        if len(self.reasons[component]) < REASONS_KEPT:
            self.reasons[component][reason.strip()] = None

    def read_events(self) -> None:
        """Warnings about the release's own objects since it began: what pods that are gone have left behind."""
        names = {name: part.component for (_, name), part in self.parts.items()}
        for event in self._seen("events", "--field-selector", "type=Warning"):
            about = event.get("involvedObject") or {}
            owner = owner_of(str(about.get("name", "")), names)
            if owner and event.get("reason") in EVENTS and happened(event) >= self.began.replace(microsecond=0):
                message = _POD.sub("", " ".join(str(event.get("message", "")).split()))
                self._add(names[owner], f"{event['reason']}: {message[:400]}")

    def why(self) -> dict[str, list[str]]:
        """Component → reasons, of those that did not get ready."""
        names = self.late or sorted(self.reasons)
        return {name: list(self.reasons.get(name, {})) or ["not ready in time"] for name in names}


def owner_of(name: str, workloads: Iterable[str]) -> str:
    """The workload that a pod or replica set of this name belongs to, as Kubernetes names them; or nothing."""
    fitting = [each for each in workloads if name == each or name.startswith(f"{each}-")]
    return max(fitting, key=len, default="")


def happened(event: Mapping[str, Any]) -> datetime:
    """When an event was last seen."""
    times = [event.get("lastTimestamp"), (event.get("series") or {}).get("lastObservedTime"), event.get("eventTime")]
    times.append(event["metadata"].get("creationTimestamp"))
    newest = [datetime.fromisoformat(str(each)) for each in times if each]
    return max(newest, default=datetime.min.replace(tzinfo=UTC))


def _has_ended(pod: Object) -> bool:
    return any(
        ((each.get("lastState") or {}).get("terminated") or (each.get("state") or {}).get("terminated") or {}).get(
            "exitCode"
        )
        for each in (pod.get("status") or {}).get("containerStatuses") or []
    )
