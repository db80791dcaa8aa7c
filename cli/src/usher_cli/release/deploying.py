"""Makes a release: what can be checked before, helm's upgrade watched, the smoke test, and back when it fails."""

import json
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from local_stack.lifecycle import Progress
from usher_cli.release import planning
from usher_cli.release.chart import Rendered
from usher_cli.release.cluster import (
    missing_secrets,
    require_accepted,
    require_awake,
    require_configured,
    require_kinds,
    require_namespace,
    secrets_needed,
    version_of_cluster,
)
from usher_cli.release.history import (
    History,
    Revision,
    clear,
    history_of,
    refuse_when_stuck,
    smoke_of,
    status_of,
)
from usher_cli.release.manifests import hooks_of, images_of
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.programs import Programs, Said, trouble_of
from usher_cli.release.rollout import WORKLOADS, Part, Watch
from usher_cli.release.signatures import Signer, verified
from usher_cli.release.target import CHART

POLL_SECONDS = 2.0
SMOKE_SECONDS = 180
GRACE_SECONDS = 900
"""How much longer than its own time limit helm may take: hooks, and the way back, have the same limit each."""

Confirm = Callable[[planning.Plan], None]
Tell = Callable[[str, str], None]
"""Told a check and how it ended."""


@dataclass(frozen=True, slots=True)
class Released:
    """A release that has been made: which revision, its parts, how its test ended."""

    revision: int
    parts: tuple[Part, ...]
    smoke: Mapping[str, Any] | None
    seconds: float


def prepared(programs: Programs, signer: Signer, tell: Tell, *, force: bool, change_environment: bool) -> planning.Plan:
    """Everything that can go wrong before anything is changed. Trouble."""
    place = require_configured(programs)
    kubernetes = version_of_cluster(programs)
    tell("cluster", f"{place.context or place.server}, Kubernetes {kubernetes}")
    made = planning.checked(programs, kubernetes=kubernetes)
    tell("chart, values, policies", f"{len(made.all)} objects")
    if made.placeholders:
        raise Trouble(Exit.BAD_INPUT, *made.placeholders)
    require_namespace(programs)
    plan = planning.compared(
        made, planning.running(programs), programs, kubernetes=kubernetes, place=place, force=force
    )
    there = plan.baseline.environments
    planning.require_same_environment(there, programs.target.environment, change=change_environment)
    refuse_when_stuck(programs, plan.baseline.history, force=force)
    require_awake(programs, made.objects)
    require_kinds(programs, made.all)
    tell("kinds the cluster knows", "all")
    _check_secrets(programs, made, tell)
    tell("signatures", verified((each for each in images_of(made.all) if "/usher-" in each), signer))
    require_accepted(programs, json.dumps({"apiVersion": "v1", "kind": "List", "items": made.objects}), force=force)
    tell("tried by the API server", f"{len(made.objects)} objects")
    return plan


def _check_secrets(programs: Programs, made: Rendered, tell: Tell) -> None:
    needed = secrets_needed(made.all)
    missing, unseen = missing_secrets(programs, needed)
    if missing:
        remedy = (
            f"make it with kubectl -n {programs.target.namespace} create secret generic (docs/operations.md, Secrets)"
        )
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise Trouble(Exit.REFUSED, f"{missing[0]}{more}: {remedy}", *missing[1:])
    told = f"{len(needed)} there with their keys"
    tell("Secrets", f"skipped, not to be read by this account: {', '.join(unseen)}" if unseen else told)


def deploy(programs: Programs, plan: planning.Plan, progress: Progress, *, force: bool, smoke: bool = True) -> Released:
    """Upgrade or install, watch, test; Trouble(ROLLED_BACK) when it had to go back, FAILED when even that failed."""
    began = time.monotonic()
    before = plan.baseline.history
    if before.stuck and force:
        clear(programs, before.stuck)
        before = history_of(programs)
    target = programs.target
    arguments = ["upgrade", target.release, str(CHART), "--install", "--rollback-on-failure", "--wait"]
    arguments += ["--wait-for-jobs", "--timeout", f"{target.timeout_seconds}s", "--history-max", "20"]
    arguments += ["--description", f"Usher {plan.versions[1]}", "--hide-notes", *target.value_arguments()]
    arguments += ["--force-conflicts"] if force else []
    watch = _watch(programs, plan, progress, before)
    said = watched(programs, arguments, watch)
    if said.code:
        raise why_it_failed(programs, before, watch, said)
    watch.look()
    last = history_of(programs).last
    number = last.number if last else 0
    tested = _smoke(programs, before, watch, number, force=force) if smoke else None
    return Released(number, tuple(watch.parts.values()), tested, round(time.monotonic() - began, 1))


def _watch(programs: Programs, plan: planning.Plan, progress: Progress, before: History) -> Watch:
    """A watch that knows what has to change before it counts as ready."""
    selector = ("--selector", programs.target.selector)
    there = programs.objects(WORKLOADS, *selector)
    present = {(each["kind"], each["metadata"]["name"]): int(each["metadata"].get("generation", 0)) for each in there}
    done = frozenset(str(each["metadata"].get("uid")) for each in there if each["kind"] == "Job")
    changing = {
        (each.kind, each.name): present.get((each.kind, each.name), 0)
        for one in plan.components for each in one.objects
        if any(field.path.startswith("spec") for field in each.fields) or each.action == "added"
    }  # fmt: skip
    return Watch(programs, changing, progress, revision=before.last.number + 1 if before.last else 1, done=done)


def watched(programs: Programs, arguments: list[str], watch: Watch) -> Said:
    """Run helm to its end and look at the release meanwhile; when we are told to stop, helm is, and takes it back."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        helm = subprocess.Popen(programs.command_of_helm(*arguments), stdout=out, stderr=err, start_new_session=True)
        limit = time.monotonic() + 3 * programs.target.timeout_seconds + GRACE_SECONDS
        with _passed_on(helm):
            while not _ended(helm):
                watch.look()
                if time.monotonic() > limit:
                    helm.kill()
        out.seek(0)
        err.seek(0)
        return Said(helm.returncode, out.read(), err.read())


def _ended(helm: subprocess.Popen[Any]) -> bool:
    try:
        helm.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _passed_on(helm: subprocess.Popen[Any]) -> Iterator[None]:
    """Give what ends us to helm instead, which then rolls back and ends; twice ends helm at once."""
    told = []

    def pass_on(_number: int, _frame: FrameType | None) -> None:
        told.append(1)
        (helm.terminate if len(told) == 1 else helm.kill)()

    kept = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def why_it_failed(programs: Programs, before: History, watch: Watch, said: Said) -> Trouble:
    """What became of the release after helm gave up, and why it had to."""
    if "another operation" in said.err:
        return Trouble(Exit.STUCK, "somebody else's release began just before this one, of which nothing was done")
    watch.end()
    watch.read_events()
    reasons = [f"{name}: {each}" for name, some in watch.why().items() for each in some]
    reasons = reasons or [f"helm: {line}" for line in said.lines[:6]]
    now = history_of(programs).last
    release, seen = programs.target.release, before.last.number if before.last else 0
    if now is None:
        return Trouble(
            Exit.ROLLED_BACK,
            f"the first release failed, and what it had made was removed again{_first(reasons)}",
            *reasons,
        )
    if now.number == seen:
        trouble = trouble_of("the upgrade", said)
        return Trouble(trouble.code, f"{trouble} (nothing was changed)", *trouble.more)
    if now.status == "deployed" and now.restored:
        return Trouble(
            Exit.ROLLED_BACK,
            f"revision {seen + 1} failed and was rolled back: what runs is revision {now.restored} again"
            f"{_first(reasons)}",
            *reasons,
        )
    return Trouble(
        Exit.FAILED,
        f"revision {seen + 1} failed and is not rolled back ({release} is {now.status} at revision {now.number}): "
        f"see `make status ENV={programs.target.environment}`, then `make rollback ENV={programs.target.environment}`",
        *reasons,
    )


def _first(reasons: list[str]) -> str:
    return f" ({reasons[0]})" if reasons else ""


def tested(programs: Programs) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Run the chart's tests; how they ended, and the last words of those that failed. Trouble."""
    said = programs.try_helm(
        "test", programs.target.release, "--timeout", f"{SMOKE_SECONDS}s", seconds=SMOKE_SECONDS + 60.0
    )
    smoke = smoke_of(status_of(programs))
    if said.code == 0:
        return smoke, []
    words = [f"helm: {said.lines[-1]}"]
    for name in (smoke or {}).get("failed", []):
        told = programs.try_kubectl("logs", name, "--tail", "5", "--all-containers")
        words += [f"{name}: {line}" for line in told.out.splitlines() if line.strip()]
    return smoke or {"passed": False, "at": "", "failed": []}, words


def _smoke(programs: Programs, before: History, watch: Watch, number: int, *, force: bool) -> Mapping[str, Any] | None:
    watch.progress("smoke test", "waiting", "")
    smoke, words = tested(programs)
    if not words:
        watch.progress("smoke test", "ready", "passed" if smoke else "the chart has none")
        return smoke
    watch.progress("smoke test", "failed", words[-1])
    if before.running is None:
        raise Trouble(
            Exit.FAILED,
            f"revision {number} runs and its smoke test failed; there is nothing to go back to, so it stays as it is",
            *words,
        )
    try:
        plan = plan_of_rollback(programs, before.running)
        back = roll_back(programs, plan, before.running, watch.progress, force=force)
    except Trouble as trouble:
        line = f"the smoke test of revision {number} failed, and {trouble}"
        raise Trouble(trouble.code, line, *words, *trouble.more) from None
    raise Trouble(
        Exit.ROLLED_BACK,
        f"the smoke test of revision {number} failed, so it was rolled back: what runs is revision "
        f"{before.running.number} again, as revision {back}",
        *words,
    )


def plan_of_rollback(programs: Programs, to: Revision) -> planning.Plan:
    """What bringing a revision back changes. Trouble."""
    back = planning.record_of(programs, to)
    made = Rendered(
        tuple(each for each in back.objects if not hooks_of(each)),
        tuple(each for each in back.objects if hooks_of(each)),
        back.values,
    )
    return planning.compared(made, planning.running(programs), programs)


def roll_back(programs: Programs, plan: planning.Plan, to: Revision, progress: Progress, *, force: bool = False) -> int:
    """Bring a revision back and wait until it is ready; the number of the new one. Trouble(FAILED)."""
    target = programs.target
    arguments = ["rollback", target.release, str(to.number), "--wait", "--wait-for-jobs"]
    arguments += ["--timeout", f"{target.timeout_seconds}s", "--history-max", "20"]
    arguments += ["--force-conflicts"] if force else []
    watch = _watch(programs, plan, progress, history_of(programs))
    said = watched(programs, arguments, watch)
    if said.code:
        watch.end()
        reasons = [f"{name}: {each}" for name, some in watch.why().items() for each in some]
        raise Trouble(
            Exit.FAILED,
            f"the roll-back to revision {to.number} failed: {re.sub(r'^Error: ', '', said.lines[-1])}",
            *reasons,
        )
    watch.look()
    last = history_of(programs).last
    return last.number if last else 0
