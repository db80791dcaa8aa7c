"""One index behind an alias: `events` is an alias of `events-v1`, and of `events-v2` once the mapping has changed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from domain_kit.crash_points import crash_point
from elastic_store.bulk import BulkResult, Outcome, Put, Remove, operations, read_result
from elastic_store.client import AsyncElasticsearch, ConflictError, NotFoundError
from elastic_store.failures import ElasticRefused, ElasticUnavailable, IndexMissing, PointInTimeGone, mapped
from elastic_store.results import Document, Found, Hit, read_found

Body = Mapping[str, Any]
# Above Elasticsearch's own templates, which are at 100 to 200.
PRIORITY = 500
BulkWrite = Callable[[Sequence[Put | Remove]], Awaitable[list[BulkResult]]]


@dataclass(frozen=True, slots=True)
class IndexDefinition:
    """`mapping` ({"properties": …}) and `settings` as Elasticsearch takes them. Raise `generation` when they change."""

    name: str
    mapping: Body
    settings: Body = field(default_factory=dict)
    generation: int = 1

    @property
    def concrete(self) -> str:
        """The index the alias is meant to point to."""
        return f"{self.name}-v{self.generation}"


class Index:
    """Reads and writes through the alias. Everything raises ElasticUnavailable, and IndexMissing before `ensure`."""

    def __init__(self, client: AsyncElasticsearch, definition: IndexDefinition) -> None:
        self._client, self._definition = client, definition
        self.name = definition.name

    async def ensure(
        self,
        transform: Callable[[str, Document], Document | None] | None = None,
        *,
        fill: Callable[[BulkWrite], Awaitable[None]] | None = None,
    ) -> int:
        """Make the index and its alias; several processes may do so at once. How many documents were copied.

        If the alias points to an earlier generation, its documents are copied into the new one, each through
        `transform` (None leaves it out), the alias is switched at once and the old index is kept. What is written to
        the old one during the copy is copied in a second pass after the switch, and a later external version always
        wins; only a deletion during the copy may be forgotten, so have no consumer running that deletes.

        With `fill` nothing is copied: it gets a `bulk` into the new index and writes from where the documents came
        from, before the alias points there. What changes meanwhile is the business of who fills.
        """
        await self._make(self._definition.concrete)
        holder = await self._holder()
        if holder == self._definition.concrete:
            return 0
        if fill is not None:
            await self._filled(fill)
            await self._switch(holder)
            return 0
        copied = await self._copy(holder, transform) if holder else 0
        await self._switch(holder)
        if holder:
            copied += await self._copy(holder, transform)
        return copied

    async def make(self, *, fill: Callable[[BulkWrite], Awaitable[None]] | None = None) -> Sequence[str]:
        """`ensure` as far as it may go beside code of an older generation; what was done, a line each.

        The alias is only given to the new index where it points to none. The template keeps a server from making an
        index of its own, without a mapping, when somebody writes after the index was lost.
        """
        concrete = self._definition.concrete
        await self._make_template()
        made = await self._make(concrete)
        holder = await self._holder()
        if fill is not None and holder != concrete:
            await self._filled(fill)
        if not holder:
            await self._switch("")
        return [f"{concrete}: made"] if made else []

    async def put(
        self, document_id: str, document: Document, *, version: int | None = None, refresh: bool = False
    ) -> bool:
        """Write; False if the index already has this version or a later one. `refresh` makes it visible to searches.

        ElasticRefused where the document does not fit the mapping.
        """
        try:
            with mapped(self.name):
                await self._client.index(
                    index=self.name,
                    id=document_id,
                    document=document,
                    version=version,
                    version_type=None if version is None else "external",
                    refresh=refresh,
                    require_alias=True,
                )
        except ConflictError:
            return False
        return True

    async def delete(self, document_id: str, *, version: int | None = None, refresh: bool = False) -> bool:
        """Delete; False if it is not there or the index has this version or a later one."""
        try:
            with mapped(self.name):
                await self._client.delete(
                    index=self.name,
                    id=document_id,
                    version=version,
                    version_type=None if version is None else "external",
                    refresh=refresh,
                )
        except (ConflictError, NotFoundError):
            return False
        return True

    async def bulk(self, writes: Sequence[Put | Remove], *, refresh: bool = False) -> list[BulkResult]:
        """Write many; one result each, in order. Those that are BUSY may be repeated, all others are settled."""
        # A server makes an index of its own for a name it does not know, and not every one lets that be switched off,
        # so this asks every time: an index may be lost while the process lives.
        if not await self._holder():
            raise IndexMissing(self.name)
        return await self._bulk(self.name, writes, refresh=refresh)

    async def get(self, document_id: str) -> Document | None:
        """A document by its id, as it is now, searchable or not yet."""
        try:
            with mapped(self.name):
                answer = await self._client.get(index=self.name, id=document_id)
        except NotFoundError:
            return None
        source: Document = answer.body["_source"]
        return source

    async def search(self, body: Body) -> Found:
        """`body` as `_search` takes it. ElasticRefused if malformed.

        With `pit` in it the index comes from there, and PointInTimeGone says that the server has forgotten it.
        """
        if "pit" not in body:
            return await self._search(self.name, body)
        try:
            return await self._search(None, body)
        except NotFoundError as error:
            raise PointInTimeGone from error

    @asynccontextmanager
    async def point_in_time(self, keep_alive: str = "1m") -> AsyncIterator[str]:
        """The id of a frozen view, for pages that must not shift: {"pit": {"id": …, "keep_alive": …}} in the body."""
        pit = await self.open_point_in_time(keep_alive)
        try:
            yield pit
        finally:
            await self.close_point_in_time(pit)

    async def open_point_in_time(self, keep_alive: str = "1m") -> str:
        """The same for one that outlives a block, such as pages that come in several requests."""
        with mapped(self.name):
            answer = await self._client.open_point_in_time(index=self.name, keep_alive=keep_alive)
        return str(answer.body["id"])

    async def close_point_in_time(self, pit: str) -> None:
        """Let the server forget it before its time; it does so anyway after keep_alive."""
        try:
            with mapped():
                await self._client.close_point_in_time(id=pit)
        except (ElasticUnavailable, ElasticRefused, NotFoundError):
            return

    async def refresh(self) -> None:
        """Make all writes visible to searches."""
        with mapped(self.name):
            await self._client.indices.refresh(index=self.name)

    async def count(self, query: Body | None = None) -> int:
        """How many documents match; all of them without a query."""
        with mapped(self.name):
            return int((await self._client.count(index=self.name, query=query or {"match_all": {}})).body["count"])

    async def all(self, query: Body | None = None, *, batch: int = 500) -> AsyncIterator[Hit]:
        """Every matching document with its version, in no promised order, from one point in time."""
        async for hit in self._all(self.name, query or {"match_all": {}}, batch):
            yield hit

    async def _filled(self, fill: Callable[[BulkWrite], Awaitable[None]]) -> None:
        await fill(self._bulk_unseen)
        with mapped(self._definition.concrete):
            await self._client.indices.refresh(index=self._definition.concrete)

    async def _make_template(self) -> None:
        """Under the name of the index; of several generations the newest speaks for the alias."""
        own = self._definition
        with mapped():
            await self._client.indices.put_index_template(
                name=own.concrete,
                index_patterns=[own.name, own.concrete],
                priority=PRIORITY + own.generation,
                template={"mappings": own.mapping, "settings": own.settings},
                allow_auto_create=False,
            )

    async def _make(self, concrete: str) -> bool:
        """Whether it was missing."""
        try:
            with mapped():
                await self._client.indices.create(
                    index=concrete, mappings=self._definition.mapping, settings=self._definition.settings
                )
        except ElasticRefused as refused:
            if refused.kind != "resource_already_exists_exception":
                raise
            return False
        return True

    async def _holder(self) -> str:
        """The index the alias points to, or nothing."""
        try:
            with mapped():
                answer = await self._client.indices.get_alias(name=self.name)
        except NotFoundError:
            return ""
        return next(iter(answer.body), "")

    async def _switch(self, holder: str) -> None:
        """In one step, so that no search finds the alias missing."""
        actions: list[Body] = [
            {"add": {"index": self._definition.concrete, "alias": self.name, "is_write_index": True}}
        ]  # fmt: skip
        if holder:
            actions.insert(0, {"remove": {"index": holder, "alias": self.name}})
        try:
            with mapped():
                await self._client.indices.update_aliases(actions=actions)
        except NotFoundError as error:  # somebody else took the alias away from the old index
            if await self._holder() != self._definition.concrete:
                raise ElasticUnavailable(f"alias {self.name} is being moved by somebody else") from error

    async def _copy(self, source: str, transform: Callable[[str, Document], Document | None] | None) -> int:
        """`_reindex` is a module that small servers lack, so documents go through this process."""
        with mapped(source):
            await self._client.indices.refresh(index=source)
        copied, batch = 0, 500
        waiting: list[Put | Remove] = []
        async for hit in self._all(source, {"match_all": {}}, batch):
            document = transform(hit.id, hit.source) if transform else hit.source
            if document is not None:
                waiting.append(Put(hit.id, document, hit.version))
            if len(waiting) == batch:
                copied += await self._put_copies(waiting)
                waiting = []
        return copied + (await self._put_copies(waiting) if waiting else 0)

    async def _put_copies(self, copies: Sequence[Put | Remove]) -> int:
        results = await self._bulk(self._definition.concrete, copies, refresh=False)
        failed = [result for result in results if result.outcome in (Outcome.BUSY, Outcome.REFUSED)]
        if failed:
            raise ElasticUnavailable(
                f"{len(failed)} documents were not copied, such as {failed[0].id}: {failed[0].reason}"
            )
        return sum(result.outcome is Outcome.WRITTEN for result in results)

    async def _bulk_unseen(self, writes: Sequence[Put | Remove]) -> list[BulkResult]:
        """Into the index of this generation, whatever the alias points to."""
        return await self._bulk(self._definition.concrete, writes, refresh=False)

    async def _bulk(self, index: str, writes: Sequence[Put | Remove], *, refresh: bool) -> list[BulkResult]:
        if not writes:
            return []
        with mapped(index):
            crash_point("elastic.before_write")
            answer = await self._client.bulk(index=index, operations=list(operations(writes)), refresh=refresh)
            crash_point("elastic.after_write")
        return [read_result(item) for item in answer.body["items"]]

    async def _all(self, index: str, query: Body, batch: int) -> AsyncIterator[Hit]:
        with mapped(index):
            pit = (await self._client.open_point_in_time(index=index, keep_alive="2m")).body["id"]
        try:
            body: dict[str, Any] = {"query": query, "size": batch, "sort": [{"_shard_doc": "asc"}], "version": True}
            while True:
                found = await self._search(None, body | {"pit": {"id": pit, "keep_alive": "2m"}})
                pit = found.pit or pit
                for hit in found.hits:
                    yield hit
                if len(found.hits) < batch:
                    return
                body["search_after"] = found.hits[-1].sort
        finally:
            await self.close_point_in_time(pit)

    async def _search(self, index: str | None, body: Body) -> Found:
        with mapped(self.name):
            answer = await self._client.search(index=index, body=dict(body))
        found = read_found(answer.body)
        if answer.body.get("timed_out") or answer.body.get("_shards", {}).get("failed"):
            raise ElasticUnavailable("a search reached only a part of the documents")
        return found
