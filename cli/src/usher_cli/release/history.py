"""What became of a release so far: its revisions, whether one is stuck, which was the last good one."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.programs import Programs, trouble_of

PENDING = {"pending-install": "install", "pending-upgrade": "upgrade", "pending-rollback": "roll-back"}
# Before a test has run its phase is empty, and its times are those of the year 1.
_RAN = {"Running", "Succeeded", "Failed"}
_ROLLBACK = re.compile(r"Rollback to (\d+)")


@dataclass(frozen=True, slots=True)
class Revision:
    """One change of a release, as helm keeps it."""

    number: int
    status: str
    description: str
    updated: str

    @property
    def is_there(self) -> bool:
        """Whether anything of it may be in the cluster."""
        return self.status != "uninstalled"

    @property
    def restored(self) -> int:
        """The revision that a roll-back brought back; 0 for any other."""
        found = _ROLLBACK.fullmatch(self.description)
        return int(found[1]) if found else 0

    def age_seconds(self, now: datetime | None = None) -> int:
        """How long ago it began."""
        began = datetime.fromisoformat(self.updated)
        return max(0, int(((now or datetime.now(UTC)) - began).total_seconds()))


@dataclass(frozen=True, slots=True)
class History:
    """The revisions of a release, oldest first; none when it was never installed."""

    revisions: tuple[Revision, ...]

    @property
    def last(self) -> Revision | None:
        """The newest, whatever became of it."""
        return self.revisions[-1] if self.revisions else None

    @property
    def running(self) -> Revision | None:
        """The one that runs."""
        deployed = [each for each in self.revisions if each.status == "deployed"]
        return deployed[-1] if deployed else None

    @property
    def stuck(self) -> Revision | None:
        """The one that somebody began and nobody ended."""
        return self.last if self.last and self.last.status in PENDING else None

    def content(self, revision: Revision) -> int:
        """The number of the revision that was first to have its content."""
        known = {each.number: each for each in self.revisions}
        seen = revision
        while seen.restored in known:
            seen = known[seen.restored]
        return seen.restored or seen.number

    def last_good(self, passed: Callable[[int], bool]) -> Revision | None:
        """The newest that ran before what is there now, is other than it, and did not fail its test (`passed`)."""
        last = self.last
        if last is None:
            return None
        running = self.running
        if running is not None and running is not last:
            return running  # the newest failed and stayed
        now = self.content(last)
        for each in reversed(self.revisions[:-1]):
            if each.status == "superseded" and self.content(each) != now and passed(each.number):
                return each
        return None


NEVER = History(())
"""Of a release that was never installed."""


def history_of(programs: Programs) -> History:
    """Ask helm. Trouble."""
    said = programs.try_helm("history", programs.target.release, "--output", "json", "--max", "50")
    if said.code:
        if "release: not found" in said.err:
            return NEVER
        raise trouble_of("helm history", said)
    return History(
        tuple(
            Revision(each["revision"], each["status"], each.get("description", ""), each.get("updated", ""))
            for each in sorted(json.loads(said.out), key=lambda each: int(each["revision"]))
        )
    )


def smoke_of(status: Mapping[str, Any]) -> dict[str, Any] | None:
    """How the tests of a revision last ended, from what `helm status` says of it; None when they never ran."""
    runs = [
        (str(hook["name"]), hook["last_run"])
        for hook in status.get("hooks") or []
        if "test" in (hook.get("events") or []) and hook.get("last_run", {}).get("phase") in _RAN
    ]
    if not runs:
        return None
    failed = [name for name, run in runs if run["phase"] != "Succeeded"]
    ended = max(str(run.get("completed_at", "")) for _, run in runs)
    return {"passed": not failed, "at": ended, "failed": failed}


def status_of(programs: Programs, revision: int = 0) -> dict[str, Any]:
    """What helm keeps of a revision; 0: the newest. Trouble."""
    which = ["--revision", str(revision)] if revision else []
    found: dict[str, Any] = json.loads(programs.helm("status", programs.target.release, "--output", "json", *which))
    return found


def passed_its_test(programs: Programs) -> Callable[[int], bool]:
    """Whether a revision was never found wanting by its own test."""

    def passed(revision: int) -> bool:
        smoke = smoke_of(status_of(programs, revision))
        return smoke is None or bool(smoke["passed"])

    return passed


def stuck_line(programs: Programs, stuck: Revision) -> str:
    """What it means that a revision is pending, and what to do."""
    minutes = stuck.age_seconds() // 60
    return (
        f"revision {stuck.number} of {programs.target.release} is {stuck.status} since {minutes} min: either an "
        f"{PENDING[stuck.status]} is under way, or its helm died; when nobody is at it, "
        "deploy or rollback with --force clears it"
    )


def refuse_when_stuck(programs: Programs, history: History, *, force: bool) -> None:
    """Trouble(STUCK) when a revision is pending and nobody said --force."""
    if history.stuck and not force:
        raise Trouble(Exit.STUCK, stuck_line(programs, history.stuck))


def clear(programs: Programs, stuck: Revision) -> None:
    """Forget a revision that is pending still: its record goes, what it has changed stays until the next. Trouble."""
    pending = ",".join(sorted(PENDING))
    record = f"owner=helm,name={programs.target.release},version={stuck.number},status in ({pending})"
    said = programs.try_kubectl("delete", "secrets", "--selector", record, "--output", "name")
    if said.code:
        raise Trouble(
            Exit.STUCK,
            f"revision {stuck.number} stays {stuck.status}: its record, a Secret, cannot be deleted",
            said.lines[0],
        )
    if not said.out.strip():
        raise Trouble(
            Exit.STUCK,
            f"revision {stuck.number} is not {stuck.status} any more: somebody is at it; look at `make status ENV="
            f"{programs.target.environment}` and begin again",
        )
