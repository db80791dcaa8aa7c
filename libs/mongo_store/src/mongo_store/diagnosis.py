"""Why a transaction wrote nothing: which commands were repeats, which lost a race, which met a taken value."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain_kit.repository import Cause
from mongo_store.database import Database
from mongo_store.pieces import pieces
from mongo_store.rows import JOURNAL, JournalRow
from mongo_store.transaction import Blocked
from mongo_store.verdicts import Recorded, RequestRepeated, VersionConflict, duplicate, request_id_reused
from mongo_store.writes import Guarded, Insert, Write


@dataclass(frozen=True, slots=True)
class Command:
    """What stands or falls together: some writes and the rows that record why."""

    writes: Sequence[Write]
    rows: Sequence[JournalRow]

    def claims(self) -> frozenset[Hashable]:
        """Documents it touches and keys it records; two commands that share one do not go into one transaction."""
        keys = {(JOURNAL, row.cause.key) for row in self.rows}
        return frozenset(keys | {(write.collection, write.id) for write in self.writes})


async def recorded_in(database: Database, causes: Sequence[Cause], *, concern: str = "") -> Recorded:
    """Which of the causes the journal holds, told apart by fingerprint."""
    journal = database.collection(JOURNAL, concern=concern)
    fingerprints = {cause.key: cause.fingerprint for cause in causes}
    rows: list[Mapping[str, Any]] = []
    for keys in pieces(list(fingerprints)):
        rows += [row async for row in journal.find({"_id": {"$in": keys}}, {"fp": 1, "ans": 1})]
    return sort_out(rows, fingerprints)


def sort_out(rows: Sequence[Mapping[str, Any]], fingerprints: Mapping[str, bytes]) -> Recorded:
    """Stored rows against the fingerprints their keys come with now."""
    same = {row["_id"]: row["ans"] or {} for row in rows if bytes(row["fp"]) == fingerprints[row["_id"]]}
    return Recorded(same, frozenset(row["_id"] for row in rows if row["_id"] not in same))


def repeat_verdict(command: Command, recorded: Recorded) -> Exception | None:
    """RequestRepeated, or for a lone row with another fingerprint the refusal itself."""
    keys = {row.cause.key for row in command.rows}
    mine = Recorded({key: recorded.answers[key] for key in keys & recorded.answers.keys()}, recorded.reused & keys)
    if not mine:
        return None
    return request_id_reused() if len(keys) == 1 and mine.reused else RequestRepeated(mine)


def state_verdict(command: Command, present: Mapping[tuple[str, Any], int | None]) -> Exception | None:
    """AlreadyExists or VersionConflict of a command, given (collection, _id) → version of the documents that exist."""
    for write in command.writes:
        if isinstance(write, Insert) and (write.collection, write.id) in present:
            return duplicate(write.collection, write.id)
    moved = [
        (write.collection, write.id)
        for write in command.writes
        if isinstance(write, Guarded) and present.get((write.collection, write.id)) != write.expected_version
    ]
    return VersionConflict(moved) if moved else None


async def diagnose(database: Database, commands: Sequence[Command], blocked: Blocked) -> dict[int, Exception]:
    """Position → verdict for the commands in the way; empty when the cause is gone by now.

    Reads linearizably: a verdict must not rest on a write that a failover may still take back.
    """
    causes = [row.cause for command in commands for row in command.rows]
    recorded = await recorded_in(database, causes, concern="linearizable")
    present = await _present(database, commands)
    verdicts: dict[int, Exception] = {}
    for position, command in enumerate(commands):
        verdict = repeat_verdict(command, recorded) or state_verdict(command, present)
        if verdict is not None:
            verdicts[position] = verdict
    culprit = None if blocked.position is None else _owner(commands, blocked.position)
    if culprit is not None and culprit[0] not in verdicts and blocked.index != "_id_":
        position, write = culprit
        verdicts[position] = duplicate(write.collection, write.id, blocked.index)
    return verdicts


async def _present(database: Database, commands: Sequence[Command]) -> dict[tuple[str, Any], int | None]:
    wanted: dict[str, list[Any]] = defaultdict(list)
    for command in commands:
        for write in command.writes:
            if isinstance(write, Insert | Guarded):
                wanted[write.collection].append(write.id)
    present: dict[tuple[str, Any], int | None] = {}
    for collection, ids in wanted.items():
        found = database.collection(collection, concern="linearizable").find({"_id": {"$in": ids}}, {"version": 1})
        async for document in found:
            present[collection, document["_id"]] = document.get("version")
    return present


def _owner(commands: Sequence[Command], position: int) -> tuple[int, Write] | None:
    """The command and write behind an operation: all rows of all commands come first, then all writes in order."""
    position -= sum(len(command.rows) for command in commands)
    for index, command in enumerate(commands):
        if 0 <= position < len(command.writes):
            return index, command.writes[position]
        position -= len(command.writes)
    return None
