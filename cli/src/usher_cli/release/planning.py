"""What a release would change: the chart checked and rendered, and compared with what runs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from usher_cli.release import policies
from usher_cli.release.chart import Rendered, Values, committed_chart, linted, rendered
from usher_cli.release.cluster import Place, configured, version_of_cluster
from usher_cli.release.differences import Change, ComponentChange, differences, field_changes
from usher_cli.release.history import NEVER, History, Revision, history_of, stuck_line
from usher_cli.release.live import accepted, present_objects
from usher_cli.release.manifests import Object, hooks_of, key_of, label_of, objects_of, version_of
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.programs import Programs

CHANGES_IT = " (--change-environment makes it one)"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a release is compared with: said in words, its objects, its values, whose it is by its labels."""

    kind: str
    words: str
    objects: tuple[Object, ...]
    values: Values
    history: History = NEVER
    environments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change, by component, and by value."""

    rendered: Rendered
    baseline: Baseline
    components: Sequence[ComponentChange]
    values: Sequence[Change]
    kubernetes: str = ""
    place: Place | None = None
    notes: Sequence[str] = ()

    @property
    def changes(self) -> bool:
        """Whether anything would."""
        return bool(self.components)

    @property
    def versions(self) -> tuple[str, str]:
        """From which version to which."""
        return version_of(self.baseline.objects), version_of(self.rendered.objects)

    def count(self, action: str) -> int:
        """Objects that are added, changed or removed."""
        return sum(each.action == action for one in self.components for each in one.objects)


def checked(programs: Programs, *, kubernetes: str = "") -> Rendered:
    """The chart with the environment's values: linted, rendered, held against the policies. Trouble."""
    linted(programs)
    made = rendered(programs, kubernetes=kubernetes)
    wrong = policies.findings(made.all)
    if wrong:
        raise Trouble(Exit.REFUSED, f"{len(wrong)} findings against the policies of a release", *wrong)
    return made


def running(programs: Programs) -> Baseline:
    """What helm has put into the cluster last and keeps a record of. Trouble."""
    history = history_of(programs)
    last = history.running or history.last
    release, environments = programs.target.release, environments_of(programs, history)
    if last is None or (history.running is None and last.status in {"pending-install", "uninstalled"}):
        return Baseline("nothing", f"nothing: there is no release {release} yet", (), {}, history, environments)
    return replace(record_of(programs, last, history), environments=environments)


def environments_of(programs: Programs, history: History) -> frozenset[str]:
    """Which environments' objects are there: of what runs, and of what is stuck. Trouble."""
    found = {each.number for each in (history.running or history.last, history.stuck) if each and each.is_there}
    release = programs.target.release
    texts = [programs.helm("get", "manifest", release, "--revision", str(number)) for number in sorted(found)]
    return environments_in(each for text in texts for each in objects_of(text))


def environments_in(objects: Iterable[Object]) -> frozenset[str]:
    """The environments that objects say they are of."""
    return frozenset(label_of(each, "environment") for each in objects) - {""}


def record_of(programs: Programs, revision: Revision, history: History = NEVER) -> Baseline:
    """What a revision consists of, hooks included. Trouble."""
    release, which = programs.target.release, ("--revision", str(revision.number))
    text = (
        programs.helm("get", "manifest", release, *which) + "\n---\n" + programs.helm("get", "hooks", release, *which)
    )
    values: Values = _json(programs.helm("get", "values", release, "--all", "--output", "json", *which))
    words = f"revision {revision.number} of {release}, which is {revision.status}"
    return Baseline("revision", words, tuple(objects_of(text)), values, history)


def committed(programs: Programs, reference: str, *, kubernetes: str = "") -> Baseline:
    """What the chart of a commit would make of the same values. Trouble."""
    with committed_chart(reference) as (chart, commit):
        made = rendered(programs, chart=chart, kubernetes=kubernetes)
    words = f"the chart as committed at {commit}, not with a cluster"
    return Baseline("commit", words, made.all, made.values)


def plan(
    programs: Programs, *, against: str = "", offline: bool = False, live: bool = False, force: bool = False
) -> Plan:
    """Compare with the cluster; with a commit (`against`, else HEAD) when there is none to ask.

    Trouble, UNREACHABLE where a cluster is configured and does not answer.
    """
    place = None if against or offline else configured(programs)
    if place is None:
        why = "" if against or offline else "no cluster is configured"
        return offline_plan(programs, against or "HEAD", why)
    kubernetes = version_of_cluster(programs)
    made, baseline = checked(programs, kubernetes=kubernetes), running(programs)
    if live:
        made, baseline = _live(programs, made, baseline)
    return compared(made, baseline, programs, kubernetes=kubernetes, place=place, force=force)


def _live(programs: Programs, made: Rendered, baseline: Baseline) -> tuple[Rendered, Baseline]:
    """Both sides as the API server has them, or would. Trouble."""
    before = {key_of(each): each for each in (*made.objects, *baseline.objects) if not hooks_of(each)}
    present = present_objects(programs, before.values())
    hooks = tuple(each for each in baseline.objects if hooks_of(each))
    words = f"{len(present)} objects as they are in the cluster now ({baseline.words})"
    return accepted(programs, made), replace(baseline, kind="live", words=words, objects=(*present, *hooks))


def offline_plan(programs: Programs, reference: str, why: str) -> Plan:
    """Against the chart of a commit; against nothing where the checkout has no commits. Trouble."""
    made = checked(programs)
    try:
        baseline = committed(programs, reference)
    except Trouble:
        if reference != "HEAD":
            raise
        baseline = Baseline("nothing", "nothing: neither a cluster nor a commit was there", (), {})
    return compared(made, baseline, programs, notes=[why] if why else [])


def compared(
    made: Rendered,
    baseline: Baseline,
    programs: Programs,
    *,
    kubernetes: str = "",
    place: Place | None = None,
    notes: Sequence[str] = (),
    force: bool = False,
) -> Plan:
    """The plan, tests of the chart left out: nothing of them stays."""
    said = [*notes, *made.placeholders]
    if baseline.history.stuck:
        said.append(stuck_line(programs, baseline.history.stuck) + (" (as was said)" if force else ""))
    before, after = ([each for each in some if "test" not in hooks_of(each)] for some in (baseline.objects, made.all))
    values = list(field_changes("", dict(baseline.values), dict(made.values))) if baseline.values else []
    return Plan(made, baseline, differences(before, after), values, kubernetes, place, said)


def require_same_environment(
    there: frozenset[str], environment: str, remedy: str = CHANGES_IT, *, change: bool
) -> None:
    """Trouble(REFUSED) when what runs there is of another environment: most likely the wrong cluster."""
    others = there - {environment}
    if others and not change:
        raise Trouble(
            Exit.REFUSED,
            f"what runs there is of environment {', '.join(sorted(others))}, not {environment}: "
            f"say another --context or --namespace{remedy}",
        )


def _json(text: str) -> dict[str, Any]:
    found = json.loads(text)
    return dict(found) if isinstance(found, dict) else {}
