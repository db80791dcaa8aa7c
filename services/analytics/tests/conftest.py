"""Stores in memory that can die at any step, and real engines."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from random import Random

import pytest

from analytics_service.composition import SCHEMA
from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import CLAIMS, FiledFact, Line, ToCount, ToShow
from analytics_service.domain.figures import Figures
from analytics_service.domain.sales import Sheet
from analytics_service.outbound.facts import MongoFacts
from analytics_service.outbound.sheets import MongoSheets, ProjectedOrganizers
from domain_kit.ids import new_id
from mongo_store import open_database
from mongo_store.schema import prepare
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
        self.to_count: dict[str, ToCount] = {}
        self.to_show: dict[str, ToShow] = {}

    async def file(self, fact, zone):
        await self.steps.take()
        known = self.filed.get(fact.id)
        if known is not None and known.zone.version >= zone.version:
            return
        self.filed[fact.id] = filed = FiledFact(fact, zone)
        if fact.lines:
            id, before = new_id(), known or filed
            self.to_count[id] = ToCount.of(id, [(before.sheet, fact.time), (filed.sheet, fact.time)])
            self.to_show[id] = ToShow(id, (filed,))

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
        await self.steps.take()
        return list(self.to_count.values())[:limit]

    async def counted(self, done):
        await self.steps.take()
        for note in done:
            self.to_count.pop(note.id, None)

    async def sheet_of(self, key):
        await self.steps.take()
        there = [each for each in self.filed.values() if each.sheet == key and each.fact.lines]
        sums: defaultdict[tuple[str, str, str], Figures] = defaultdict(Figures)
        for each in there:
            for line in each.fact.lines:
                sums[line.ticket_type, line.currency, line.base] += line.figures
        await self.steps.take()
        lines = tuple(Line(kind, paid, figures, base) for (kind, paid, base), figures in sorted(sums.items()))
        return Sheet(key, lines, max((each.fact.time for each in there), default=None))

    async def unshown(self, limit):
        await self.steps.take()
        return list(self.to_show.values())[:limit]

    async def shown(self, done):
        await self.steps.take()
        for note in done:
            self.to_show.pop(note.id, None)

    async def shown_count(self):
        known = sum(1 for each in self.filed.values() if each.fact.lines)
        return known - sum(len(note.facts) for note in self.to_show.values())

    async def show_all_again(self):
        for each in self.filed.values():
            if each.fact.lines:
                id = new_id()
                self.to_show[id] = ToShow(id, (each,))

    async def oldest_uncounted(self, organizer):
        touched = [each for note in self.to_count.values() for each in note.touched.items()]
        return min((since for key, since in touched if key.organizer == organizer), default=None)


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

    async def newest(self, organizer):
        of_theirs = [sheet for key, sheet in self.kept.items() if key.organizer == organizer]
        return max((sheet.newest for sheet in of_theirs if sheet.newest), default=None)


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
        await prepare(database, SCHEMA)
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
