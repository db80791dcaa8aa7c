"""Aggregates in a collection: read, decide, commit with the domain events, and pages by keyset."""

import asyncio
import dataclasses
import random
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

from domain_kit.backbone import EncodedEvent
from domain_kit.crash_points import crash_point
from domain_kit.refusals import Aborted, NotFound, Refusal
from domain_kit.repository import Aggregate, Cause, Decide, DomainEvent, Page
from domain_kit.trails import BEGINNING, Trail
from mongo_store.keyset import after_cursor, cursor_of
from mongo_store.rows import JournalRow, versioned
from mongo_store.verdicts import RequestRepeated, VersionConflict
from mongo_store.writes import Insert, Replace, Write

A = TypeVar("A", bound=Aggregate)

_ATTEMPTS = 10


def etag_of(version: int) -> str:
    """The text `resource_api.etags` sends for a version; written out here because a store needs nothing else of it."""
    return f'"{version:x}"'


class Journaling(Protocol):
    """What a repository needs of a journal; `Journal` and the in-memory fake have it."""

    async def commit(self, writes: Sequence[Write], row: JournalRow) -> None:
        """All or nothing, see Journal.commit."""

    async def answer_to(self, cause: Cause) -> Mapping[str, Any] | None:
        """The recorded answer, see Journal.answer_to."""

    async def read(self, collection: str, key: Any) -> Mapping[str, Any] | None:
        """One document by `_id`."""

    async def find(
        self, collection: str, where: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = (), limit: int = 0
    ) -> list[Mapping[str, Any]]:
        """Documents that match."""


class MongoRepository(Generic[A]):
    """domain_kit.repository.Repository for one kind of aggregate: frozen dataclasses with `name` and `version`.

    to_document, from_document: the mapper; `_id`, `version` and `trail` of the document are set here.
    encode: a domain event and the aggregate after the change → type and payload.
    etag_of: version → the opaque text that callers send back; resource_api's by default.
    beside: more writes that go with a change from the first to the second state (None: created), in the same commit.
    unrecorded: fields of the document that are no part of the recorded answer, such as hashes of secrets: rows are kept
        for ever. A repeat calls `from_document` without them.
    remembers: of so many aggregates that were written last `update` decides on what was written, without reading it.
        Where that proves wrong at its guard, or `decide` changes nothing or refuses, it is decided on what is stored.
    """

    def __init__(
        self,
        journal: Journaling,
        *,
        collection: str,
        to_document: Callable[[A], Mapping[str, Any]],
        from_document: Callable[[Mapping[str, Any]], A],
        encode: Callable[[DomainEvent, A], EncodedEvent],
        etag_of: Callable[[int], str] = etag_of,
        beside: Callable[[A | None, A], Sequence[Write]] | None = None,
        unrecorded: Collection[str] = (),
        remembers: int = 0,
    ) -> None:
        self._journal = journal
        self._collection = collection
        self._to_document = to_document
        self._from_document = from_document
        self._encode = encode
        self._etag_of = etag_of
        self._beside = beside
        self._unrecorded = frozenset(unrecorded)
        self._remembers = remembers
        self._written: OrderedDict[str, tuple[A, Trail]] = OrderedDict()
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def get(self, name: str) -> A:
        """The aggregate; NotFound RESOURCE_NOT_FOUND."""
        return self._from_document(await self._read(name))

    def written_last(self, name: str) -> A | None:
        """As this process wrote it last, if it remembers; others may have written it since. See `remembers`."""
        written = self._written.get(name)
        return None if written is None else written[0]

    async def find_one(self, where: Mapping[str, Any]) -> A | None:
        """Some aggregate that matches a MongoDB filter, if there is one."""
        found = await self._journal.find(self._collection, where, limit=1)
        return self._from_document(found[0]) if found else None

    async def find_page(
        self,
        where: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        after: Sequence[Any] | None = None,
        limit: int,
    ) -> Page[A]:
        """At most `limit` aggregates after the cursor `after`, by `sort` (field, 1 or -1) and then by name.

        `following` of the page is the next `after`: the sort values of its last item and its name. Items written
        meanwhile move neither cursor nor neighbours.
        """
        order = [*sort, ("_id", sort[-1][1] if sort else 1)]
        wanted = where if after is None else {"$and": [where, after_cursor(order, after)]}
        found = await self._journal.find(self._collection, wanted, sort=order, limit=limit + 1)
        items = [self._from_document(document) for document in found[:limit]]
        return Page(items, cursor_of(order, found[limit - 1]) if len(found) > limit else None)

    async def create(self, aggregate: A, domain_events: Sequence[DomainEvent], *, cause: Cause) -> A:
        """Store a new aggregate with its first domain events; AlreadyExists; a repeat gets the first answer."""
        if not domain_events:
            raise ValueError(f"{aggregate.name} is created without a domain event.")
        try:
            return await self._commit(None, aggregate, domain_events, cause, BEGINNING)
        except RequestRepeated as repeat:
            return self._from_document(repeat.answer)

    async def update(self, name: str, decide: Decide[A], *, etag: str = "", cause: Cause) -> A:
        """Read, decide, commit; decided anew after a conflict. Callers of one process take turns per aggregate.

        NotFound; Aborted ETAG_MISMATCH or WRITE_CONFLICT; whatever `decide` raises. A repeat gets the first answer even
        where `decide` would refuse by now.
        """
        async with self._turns.setdefault(name, asyncio.Lock()):
            if (guess := self._written.pop(name, None)) is not None and not etag:
                with suppress(_WrongGuess):
                    return await self._on_guess(guess, decide, cause)
            for attempt in range(_ATTEMPTS):
                try:
                    stored = await self._read(name)
                    before = self._from_document(stored)
                    if etag and etag != self._etag_of(before.version):
                        raise _etag_mismatch(name)
                    after, domain_events = decide(before)
                except Refusal:
                    answer = await self._journal.answer_to(cause)
                    if answer is None:
                        raise
                    return self._from_document(answer)
                try:
                    return await self._commit(before, after, domain_events, cause, stored.get("trail"))
                except RequestRepeated as repeat:
                    return self._from_document(repeat.answer)
                except VersionConflict:
                    await asyncio.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - spreads writers
        raise Aborted(
            "WRITE_CONFLICT", f"Others kept changing {name}; try again.", retry_after=timedelta(milliseconds=500)
        )

    async def _on_guess(self, guess: tuple[A, Trail], decide: Decide[A], cause: Cause) -> A:
        """Decide on what was written last here; _WrongGuess, and nothing written, unless that changes it."""
        before, trail = guess
        try:
            after, domain_events = decide(before)
        except Exception as reason:  # whatever it is, it counts only of what is stored
            raise _WrongGuess from reason
        if not domain_events:
            raise _WrongGuess
        try:
            return await self._commit(before, after, domain_events, cause, trail)
        except RequestRepeated as repeat:
            return self._from_document(repeat.answer)
        except VersionConflict as conflict:
            raise _WrongGuess from conflict

    async def _read(self, name: str) -> Mapping[str, Any]:
        document = await self._journal.read(self._collection, name)
        if document is None:
            raise NotFound.named(name)
        return document

    async def _commit(
        self, before: A | None, after: A, domain_events: Sequence[DomainEvent], cause: Cause, trail: Trail
    ) -> A:
        version = 0 if before is None else before.version
        if not domain_events and after != before:
            raise ValueError(f"{after.name} changes without a domain event.")
        aggregate: Any = after
        after = dataclasses.replace(aggregate, version=version + len(domain_events))
        events, trail = versioned([self._encode(event, after) for event in domain_events], after.name, version, trail)
        document = {**self._to_document(after), "_id": after.name, "version": after.version, "trail": trail}
        writes: list[Write] = []
        if before is None:
            writes.append(Insert(self._collection, document))
        elif domain_events:
            writes.append(Replace(self._collection, document, before.version))
        if self._beside is not None and domain_events:
            writes.extend(self._beside(before, after))
        answer = {field: value for field, value in document.items() if field not in self._unrecorded}
        crash_point("repository.before_commit")
        await self._journal.commit(writes, JournalRow(cause, after.name, events, answer))
        crash_point("repository.after_commit")
        if self._remembers and domain_events:
            self._written[after.name] = after, trail
            if len(self._written) > self._remembers:
                self._written.popitem(last=False)
        return after


class _WrongGuess(Exception):
    """What was remembered is not what is stored, or not enough to go by."""


def _etag_mismatch(name: str) -> Aborted:
    return Aborted(
        "ETAG_MISMATCH", f"{name} has changed since it was read; read it again.", metadata={"resource": name}
    )
