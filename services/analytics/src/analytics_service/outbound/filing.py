"""Facts are filed together: those that arrive at the same time, and the notes about them, in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from analytics_service.domain.facts import FiledFact, SheetKey, ToCount, ToShow
from analytics_service.outbound.documents import fact_document, filed_fact, to_count_document, to_show_document
from analytics_service.outbound.notes import TO_COUNT, TO_SHOW
from domain_kit.crash_points import crash_point
from domain_kit.ids import new_id
from mongo_store import Database, Insert, Replace, Write
from mongo_store.database import reachable
from mongo_store.gathering import Gathering, Waiting
from mongo_store.metrics import NoMetrics
from mongo_store.pieces import pieces
from mongo_store.transaction import transact

# Facts that count nothing lie apart, so that those of the first collection are those that are shown.
FACTS, SILENT = "facts", "silent_facts"
AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction does for some facts."""

    writes: Sequence[Write]
    moved: int


class Filing:
    """Files each fact exactly once, in the newest zone it was filed under. filed: told the kind of each new one."""

    def __init__(self, database: Database, filed: Callable[[str], None] = lambda _: None) -> None:
        self._database, self._filed = database, filed
        self._gathering = Gathering(self._flush, lambda filed: frozenset({filed.fact.id}), limit=AT_ONCE)

    async def file(self, filed: FiledFact) -> None:
        """Returns when it is there to stay."""
        await self._gathering.submit(filed)

    async def _flush(self, batch: Sequence[Waiting[FiledFact]]) -> None:
        """That a fact is there is found out by inserting it: only those that come again have to be read."""
        facts, known = [waiting.work for waiting in batch], dict[str, FiledFact]()
        crash_point("analytics.facts.before_file")
        while (step := self._step(facts, known)).writes:
            if await transact(self._database, step.writes, NoMetrics(), replacing=step.moved) is None:
                for each in facts:
                    if each.fact.id not in known:
                        self._filed(each.fact.kind.value)
                break
            known = await self._known([each.fact.id for each in facts])
        for waiting in batch:
            waiting.settle(None)

    def _step(self, facts: Sequence[FiledFact], known: Mapping[str, FiledFact]) -> Step:
        news = [each for each in facts if each.fact.id not in known]
        moves = [
            (known[each.fact.id], each)
            for each in facts
            if each.fact.id in known and each.fact.lines and known[each.fact.id].zone.version < each.zone.version
        ]
        counting = [each for each in news if each.fact.lines]
        writes: list[Write] = [Insert(FACTS, fact_document(each)) for each in counting]
        writes += [Insert(SILENT, fact_document(each)) for each in news if not each.fact.lines]
        writes += [Replace(FACTS, fact_document(after), before.zone.version) for before, after in moves]
        if to_show := (*counting, *(after for _, after in moves)):
            id = new_id()
            left: list[tuple[SheetKey, FiledFact]] = [(before.sheet, before) for before, _ in moves]
            touches = [*left, *((each.sheet, each) for each in to_show)]
            note = ToCount.of(id, [(key, each.fact.time) for key, each in touches])
            writes.append(Insert(TO_COUNT, to_count_document(note)))
            writes.append(Insert(TO_SHOW, to_show_document(ToShow(id, to_show))))
        return Step(writes, len(moves))

    async def _known(self, ids: Sequence[str]) -> dict[str, FiledFact]:
        known = dict[str, FiledFact]()
        with reachable():
            for some in pieces(ids):
                for collection in (FACTS, SILENT):
                    found = self._database.collection(collection).find({"_id": {"$in": some}})
                    known |= {document["_id"]: filed_fact(document) async for document in found}
        return known
