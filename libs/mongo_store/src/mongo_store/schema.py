"""Which shape a database has, and which code may work on it.

A change that older code could not live with takes two steps (parallel change, Fowler 2014): `expand` before the new
code runs, beside the old one; `contract` once no old code runs any more, after which it refuses to start. One document
says how far a database is: `version` it has been expanded to, `contracted` it has been contracted to, and code below
`minimum` is refused. While somebody looks whether older code runs, `contracting` says who and until when, and `former`
which minimum comes back if it does.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo.errors import DuplicateKeyError, PyMongoError

from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted, Unavailable
from mongo_store.database import Database, Index, reachable
from mongo_store.former import adopt_former_rows
from mongo_store.inbox import INDEXES as INBOX_INDEXES
from mongo_store.instances import ALIVE_FOR, NotAdmitted, older_instances

COLLECTION, ID = "schema", "schema"
FIRST = 1
Step = Callable[[Database], Awaitable[object]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """What changes with one version. Steps may be repeated at any time, and run in several processes at once.

    expand: beside older code, which has to go on working on what it leaves. contract: beside no older code.
    A change of indexes that needs neither is a migration too, so that older code leaves them alone.
    """

    version: int
    expand: Step | None = None
    contract: Step | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """What the code of a service needs of its database. indexes: by collection. migrations: by version, from 2 on."""

    indexes: Mapping[str, Sequence[Index]] = field(default_factory=dict)
    migrations: Sequence[Migration] = ()

    def __post_init__(self) -> None:
        versions = [each.version for each in self.migrations]
        if versions != list(range(FIRST + 1, FIRST + 1 + len(versions))):
            raise ValueError(f"migrations count up from {FIRST + 1}: {versions}")

    @classmethod
    def of(cls, *indexes: Mapping[str, Sequence[Index]], migrations: Sequence[Migration] = ()) -> "Schema":
        """The indexes of several modules, which may be about the same collections."""
        together: dict[str, list[Index]] = {}
        for each in indexes:
            for collection, wanted in each.items():
                together.setdefault(collection, []).extend(wanted)
        return cls(together, migrations)

    @property
    def version(self) -> int:
        """Of this code."""
        return self.migrations[-1].version if self.migrations else FIRST


@dataclass(frozen=True, slots=True)
class State:
    """How far a database is; a new one is at the beginning."""

    version: int = FIRST
    minimum: int = FIRST
    contracted: int = FIRST


class CodeTooOld(NotAdmitted):
    """The database has been contracted for newer code than this."""

    def __init__(self, database: str, minimum: int, version: int) -> None:
        super().__init__(
            f"database {database} needs code of schema version {minimum} or later, this is {version}: "
            "run a newer release, or restore a backup of before"
        )
        self.minimum = minimum


class OlderCodeRuns(Exception):
    """What it needs cannot be taken away yet."""

    def __init__(self, instances: Mapping[str, int], target: int) -> None:
        told = ", ".join(f"{name} (version {version})" for name, version in sorted(instances.items()))
        super().__init__(f"code older than schema version {target} still runs: {told}; try again when it has ended")
        self.instances = instances


async def read_state(database: Database) -> State:
    """Of the database as it is now, whatever happens to its primary."""
    with reachable():
        found = await database.collection(COLLECTION, concern="linearizable").find_one({"_id": ID})
    return State() if found is None else State(found["version"], found["minimum"], found["contracted"])


async def admit(database: Database, schema: Schema) -> State:
    """How far the database is; CodeTooOld."""
    state = await read_state(database)
    if state.minimum > schema.version:
        raise CodeTooOld(database.name, state.minimum, schema.version)
    return state


async def prepare(database: Database, schema: Schema) -> Sequence[str]:
    """Make indexes and expand, as this code needs it; what was done beside the indexes, a line each. CodeTooOld.

    Where newer code has prepared the database everything stays as that has made it.
    """
    state = await admit(database, schema)
    if state.version > schema.version:
        return [f"left as version {state.version} has prepared it"]
    await adopt_former_rows(database)
    await database.ensure_indexes({**INBOX_INDEXES, **schema.indexes})
    done = []
    for each in schema.migrations:
        if each.version > state.version and each.expand is not None:
            await each.expand(database)
            done.append(f"expanded to version {each.version}")
    await _raise(database, version=schema.version)
    return done


async def contract(database: Database, schema: Schema) -> Sequence[str]:
    """Take away what only older code needs; what was done, a line each. OlderCodeRuns, CodeTooOld, Aborted.

    Older code is refused before it is looked for, so that none begins meanwhile: it notes itself before it looks
    whether it may run. Where some runs all stays as it was.
    """
    await prepare(database, schema)
    state = await read_state(database)
    due = [each for each in schema.migrations if each.contract is not None and each.version > state.contracted]
    if not due:
        return []
    await _shut_out(database, due[-1].version)
    for each in due:
        if each.contract is not None:
            await each.contract(database)
    await _raise(database, contracted=due[-1].version)
    return [f"contracted to version {each.version}" for each in due]


async def _shut_out(database: Database, target: int) -> None:
    """Let no code below `target` begin any more, provided that none runs; else nothing has changed."""
    mine = new_id()
    try:
        await _begin(database, target, mine)
        if older := await older_instances(database, target):
            raise OlderCodeRuns(older, target)
        await _settle(database, mine)
    except BaseException:
        try:
            await _take_back(database, target, mine)
        except (Unavailable, PyMongoError) as trouble:
            log.warning("older code is refused until contract is repeated", extra={"reason": str(trouble)})
        raise


async def _begin(database: Database, target: int, mine: str) -> None:
    """Refuse older code from now on; Aborted ALREADY_CONTRACTING while another looks, or did so a minute ago."""
    with reachable():
        found = await database.collection(COLLECTION, concern="linearizable").find_one({"_id": ID}) or {}
        minimum, other = found.get("minimum", FIRST), found.get("contracting")
        looks = other if isinstance(other, dict) else None  # earlier versions left an id alone behind
        if looks is None or looks["until"] <= utc_now():
            unchanged = {"_id": ID, "minimum": minimum, "contracting": other}
            begun = {
                "minimum": max(minimum, target),
                "former": found["former"] if looks else minimum,
                "contracting": {"id": mine, "until": utc_now() + ALIVE_FOR},
            }
            changed = await database.collection(COLLECTION).update_one(unchanged, {"$set": begun})
            if changed.matched_count:
                return
    raise Aborted("ALREADY_CONTRACTING", "Another contracts this database, or was killed at it: repeat in a minute.")


async def _settle(database: Database, mine: str) -> None:
    """There is no way back from here: what older code needs is taken away next."""
    with reachable():
        settled = await database.collection(COLLECTION).update_one(
            {"_id": ID, "contracting.id": mine}, {"$unset": {"contracting": "", "former": ""}}
        )
    if not settled.matched_count:
        raise Aborted("ALREADY_CONTRACTING", "Another contracts this database since: repeat in a minute.")


async def _raise(database: Database, **numbers: int) -> None:
    """To at least these numbers, in one step."""
    others = {name: FIRST for name in ("version", "minimum", "contracted") if name not in numbers}
    change: dict[str, Any] = {"$max": numbers, "$setOnInsert": others}
    with reachable():
        try:
            await database.collection(COLLECTION).update_one({"_id": ID}, change, upsert=True)
        except DuplicateKeyError:  # another process has made it meanwhile
            await database.collection(COLLECTION).update_one({"_id": ID}, change)


async def _take_back(database: Database, target: int, mine: str) -> None:
    """The minimum of before, unless another has changed it since: it contracts too, or restores a backup."""
    kept = database.collection(COLLECTION, concern="linearizable")
    with reachable():
        found = await kept.find_one({"_id": ID, "contracting.id": mine})
        if found is not None:
            back = {"$set": {"minimum": found["former"]}, "$unset": {"contracting": "", "former": ""}}
            ours = {"_id": ID, "contracting.id": mine, "minimum": max(target, found["former"])}
            await database.collection(COLLECTION).update_one(ours, back)
