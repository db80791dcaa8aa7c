"""Which shape a database has, and which code may work on it.

A change that older code could not live with takes two steps (parallel change, Fowler 2014): `expand` before the new
code runs, beside the old one; `contract` once no old code runs any more, after which it refuses to start. One document
says how far a database is: `version` it has been expanded to, `contracted` it has been contracted to, and code below
`minimum` is refused.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymongo.errors import DuplicateKeyError

from domain_kit.ids import new_id
from mongo_store.database import Database, Index, reachable
from mongo_store.former import adopt_former_rows
from mongo_store.inbox import INDEXES as INBOX_INDEXES
from mongo_store.instances import NotAdmitted, older_instances

COLLECTION, ID = "schema", "schema"
FIRST = 1
Step = Callable[[Database], Awaitable[object]]


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
    """Take away what only older code needs; what was done, a line each. OlderCodeRuns, CodeTooOld.

    Older code is refused before it is looked for, so that none begins meanwhile: it notes itself before it looks
    whether it may run. Where some runs all stays as it was.
    """
    await prepare(database, schema)
    state = await read_state(database)
    due = [each for each in schema.migrations if each.contract is not None and each.version > state.contracted]
    if not due:
        return []
    target, mine = due[-1].version, new_id()
    await _raise(database, minimum=target, mark={"contracting": mine})
    if older := await older_instances(database, target):
        await _take_back(database, state.minimum, mine)
        raise OlderCodeRuns(older, target)
    for each in due:
        if each.contract is not None:
            await each.contract(database)
    await _raise(database, contracted=target)
    return [f"contracted to version {each.version}" for each in due]


async def _raise(database: Database, mark: Mapping[str, Any] | None = None, **numbers: int) -> None:
    """To at least these numbers, in one step."""
    others = {name: FIRST for name in ("version", "minimum", "contracted") if name not in numbers}
    change: dict[str, Any] = {"$max": numbers, "$setOnInsert": others}
    if mark:
        change["$set"] = dict(mark)
    with reachable():
        try:
            await database.collection(COLLECTION).update_one({"_id": ID}, change, upsert=True)
        except DuplicateKeyError:  # another process has made it meanwhile
            await database.collection(COLLECTION).update_one({"_id": ID}, change)


async def _take_back(database: Database, minimum: int, mine: str) -> None:
    """Unless another has begun to contract since."""
    with reachable():
        await database.collection(COLLECTION).update_one(
            {"_id": ID, "contracting": mine}, {"$set": {"minimum": minimum}, "$unset": {"contracting": ""}}
        )
