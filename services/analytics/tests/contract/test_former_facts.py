"""A database of an earlier release, whose facts carried marks of what was to be done about them."""

from datetime import UTC, date, datetime

from analytics_service.composition import SCHEMA
from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, FiledFact, Kind, Line, SheetKey
from analytics_service.domain.figures import Figures
from analytics_service.handlers.count_sales import count_sales
from analytics_service.handlers.show_facts import heal_index, show_facts
from analytics_service.outbound.documents import fact_document
from analytics_service.outbound.facts import MongoFacts
from analytics_service.outbound.sheets import MongoSheets
from domain_kit.ids import new_id
from mongo_store import Index, open_database
from mongo_store.schema import prepare

ORGANIZER, TIME = f"organizers/{new_id()}", datetime(2027, 3, 1, 2, tzinfo=UTC)
LINES = (Line("events/e/ticketTypes/t", "CAD", Figures(tickets_sold=1, gross=100)),)
MARKS = {
    "uncounted": {"uncounted": True},
    "unshown": {"unshown": True},
    "counting_nothing": {"counts": False},
}


def former(id: str, *, lines: tuple[Line, ...] = LINES, uncounted: bool = False, unshown: bool = False) -> dict:
    kind = Kind.BOOKING_CONFIRMED if lines else Kind.PAYMENT_UNCLAIMED
    fact = Fact(id, kind, ORGANIZER, "events/e", "b", f"payments/{id}", TIME, lines)
    marks = {"counts": bool(lines), "uncounted": uncounted, "unshown": unshown}
    filed = FiledFact(fact, OrganizerZone(ORGANIZER, 1, "UTC"))
    return {**fact_document(filed), **marks, "former_days": ["2027-02-28"] if uncounted else []}


async def test_what_was_marked_is_done_and_what_was_counted_is_counted_again(mongodb, memory_stores) -> None:
    async with open_database(mongodb, f"test_{new_id()}") as database:
        indexes = [Index(name, [("time", 1)], where=where) for name, where in MARKS.items()]
        await database.ensure_indexes({"facts": [*indexes, Index("by_time", [("organizer", 1), ("time", -1)])]})
        documents = [former("done"), former("open", uncounted=True, unshown=True), former("silent", lines=())]
        await database.collection("facts").insert_many(documents)
        sheet = {"organizer": ORGANIZER, "day": "2027-03-01", "event": "events/e", "lines": [], "version": 7}
        await database.collection("sheets").insert_one({"_id": f"{ORGANIZER}|2027-03-01|events/e", **sheet})

        for _ in range(2):
            await prepare(database, SCHEMA)

        facts, sheets = MongoFacts(database), MongoSheets(database)
        touched = {each.isoformat() for note in await facts.uncounted(99) for each in (key.day for key in note.touched)}
        assert touched == {"2027-02-28", "2027-03-01"}
        assert [each.fact.id for note in await facts.unshown(99) for each in note.facts] == ["open"]
        assert await facts.shown_count() == 1
        assert (await facts.of_payment("payments/silent")).id == "silent"
        while await count_sales(facts, sheets):
            pass
        found = await sheets.of_organizer(ORGANIZER, date.min, date.max, "")
        assert [each.lines[0].figures.gross for each in found if each.lines] == [200]
        assert await sheets.version(SheetKey(ORGANIZER, date(2027, 3, 1), "events/e")) == 8
        assert await sheets.newest(ORGANIZER) == TIME
        index = memory_stores().index
        while await show_facts(facts, index):
            pass
        assert await heal_index(facts, index)  # this one had never been shown "done"
        assert set(await database.collection("facts").index_information()) == {
            "_id_", "by_sheet", "by_zone", "by_payment",
        }  # fmt: skip
