"""Stores in memory that can die at any step, and real engines."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import CLAIMS, FiledFact, Line
from analytics_service.domain.figures import Figures
from analytics_service.outbound.facts import MongoFacts, ensure_indexes
from analytics_service.outbound.sheets import MongoSheets, ProjectedOrganizers
from domain_kit.ids import new_id
from mongo_store import open_database
from testkit.engines import mongo_engine
from testkit.noida import kafka_elastic_engine


class Killed(BaseException):
    """The process ended here."""


class Steps:
    """Every step that reaches a store: who goes next, and before which one the process is killed."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.random: Random | None = None
        self._waiting: list[asyncio.Future[None]] = []

    async def take(self) -> None:
        if self.random:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        else:
            await asyncio.sleep(0)
        if self.left is not None:
            if self.left == 0:
                raise Killed
            self.left -= 1

    async def run(self, random: Random, *work) -> None:
        """All of it at the same time, one step after the other in an order drawn from `random`."""
        self.random = random
        together = asyncio.gather(*work)
        favourite = 0
        while not together.done():
            for _ in range(4):
                await asyncio.sleep(0)
            if self._waiting:
                # Somebody often goes on alone for a while, so that others fall far behind.
                favourite = favourite if random.random() < 0.5 else random.randrange(len(self._waiting))
                self._waiting.pop(min(favourite, len(self._waiting) - 1)).set_result(None)
        self.random = None
        await together


class MemoryFacts:
    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self.filed: dict[str, FiledFact] = {}
        self.marks: dict[str, set[str]] = {"uncounted": set(), "unshown": set()}

    async def file(self, fact, zone):
        await self.steps.take()
        known = self.filed.get(fact.id)
        if known is not None and known.zone.version >= zone.version:
            return
        self.filed[fact.id] = known.moved(zone) if known else FiledFact(fact, zone)
        if fact.lines:
            self.marks["uncounted"].add(fact.id)
            self.marks["unshown"].add(fact.id)

    async def of_payment(self, payment):
        await self.steps.take()
        for each in self.filed.values():
            if each.fact.payment == payment and each.fact.kind in CLAIMS:
                return each.fact
        return None

    async def filed_before(self, zone, limit):
        await self.steps.take()
        return [
            each
            for each in self.filed.values()
            if each.fact.organizer == zone.organizer
            and each.zone.name != zone.name
            and each.zone.version < zone.version
        ][:limit]

    async def uncounted(self, limit):
        return await self._marked("uncounted", limit)

    async def counted(self, facts):
        await self.steps.take()
        for each in facts:
            if self.filed[each.fact.id].zone == each.zone:
                self.marks["uncounted"].discard(each.fact.id)
                self.filed[each.fact.id] = replace(each, former_days=frozenset())

    async def sum_of(self, key):
        await self.steps.take()
        sums: defaultdict[tuple[str, str], Figures] = defaultdict(Figures)
        for each in self.filed.values():
            if (each.fact.organizer, each.day, each.fact.event) == (key.organizer, key.day, key.event):
                for line in each.fact.lines:
                    sums[line.ticket_type, line.currency] += line.figures
        await self.steps.take()
        return tuple(Line(*which, figures) for which, figures in sorted(sums.items()))

    async def unshown(self, limit):
        return await self._marked("unshown", limit)

    async def shown(self, facts):
        await self.steps.take()
        for each in facts:
            if self.filed[each.fact.id].zone == each.zone:
                self.marks["unshown"].discard(each.fact.id)

    async def shown_count(self):
        return sum(1 for id, each in self.filed.items() if each.fact.lines and id not in self.marks["unshown"])

    async def show_all_again(self):
        self.marks["unshown"] = {id for id, each in self.filed.items() if each.fact.lines}

    async def oldest_uncounted(self, organizer):
        open_ones = [self.filed[id].fact.time for id in self.marks["uncounted"] if self._of(id, organizer)]
        return min(open_ones, default=None)

    async def newest(self, organizer):
        return max((each.fact.time for id, each in self.filed.items() if self._of(id, organizer)), default=None)

    def _of(self, id, organizer):
        return self.filed[id].fact.organizer == organizer

    async def _marked(self, mark, limit):
        await self.steps.take()
        return sorted((self.filed[id] for id in self.marks[mark]), key=lambda each: each.fact.time)[:limit]


class MemorySheets:
    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self.kept: dict = {}
        self.versions: Counter = Counter()

    async def version(self, key):
        await self.steps.take()
        return self.versions[key]

    async def replace(self, sheet, expected_version):
        await self.steps.take()
        if self.versions[sheet.key] != expected_version:
            return False
        self.kept[sheet.key] = sheet
        self.versions[sheet.key] += 1
        return True

    async def of_organizer(self, organizer, start, end, event):
        return [
            sheet
            for key, sheet in self.kept.items()
            if key.organizer == organizer and start <= key.day <= end and event in ("", key.event)
        ]


class MemoryOrganizers:
    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self.zones: dict[str, OrganizerZone] = {}

    async def follow(self, zone):
        await self.steps.take()
        known = self.zones.get(zone.organizer)
        if known is None or known.version < zone.version:
            self.zones[zone.organizer] = zone

    async def zone(self, organizer):
        await self.steps.take()
        return self.zones.get(organizer)


class MemoryIndex:
    """Elasticsearch that can be away and forget."""

    def __init__(self) -> None:
        self.documents: dict[str, FiledFact] = {}
        self.busy: set[str] = set()

    async def put(self, facts):
        settled = [each for each in facts if each.fact.id not in self.busy]
        for each in settled:
            known = self.documents.get(each.fact.id)
            if known is None or known.zone.version < each.zone.version:
                self.documents[each.fact.id] = each
        return settled

    async def held(self):
        return len(self.documents)


class NothingUnsettled:
    since: datetime | None = None

    async def oldest(self, organizer):
        return self.since


class Stores:
    """One set of stores, in memory or in MongoDB."""

    def __init__(self, facts, sheets, organizers, steps=None) -> None:
        self.facts, self.sheets, self.organizers, self.steps = facts, sheets, organizers, steps
        self.index, self.unsettled = MemoryIndex(), NothingUnsettled()


@pytest.fixture
def memory_stores():
    """A factory, for tests that need many."""

    def make() -> Stores:
        steps = Steps()
        return Stores(MemoryFacts(steps), MemorySheets(steps), MemoryOrganizers(steps), steps)

    return make


@pytest.fixture
def killed() -> type[BaseException]:
    return Killed


@pytest.fixture(scope="session")
def mongodb() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture(scope="session")
def engine():
    with kafka_elastic_engine() as engine:
        yield engine


@pytest.fixture
async def mongo_stores(mongodb) -> AsyncIterator[Stores]:
    async with open_database(mongodb, f"test_{new_id()}") as database:
        await ensure_indexes(database)
        yield Stores(MongoFacts(database), MongoSheets(database), ProjectedOrganizers(database))


@pytest.fixture(params=["memory", "mongodb"])
def stores(request, memory_stores):
    """Both, one after the other."""
    if request.param == "memory":
        return memory_stores()
    return request.getfixturevalue("mongo_stores")


@pytest.fixture
def now() -> datetime:
    return datetime(2100, 1, 1, tzinfo=UTC)
