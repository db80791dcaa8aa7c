"""Facts in a real Elasticsearch wire."""

from datetime import UTC, datetime

import pytest

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, FiledFact, Kind, Line
from analytics_service.domain.figures import Figures
from analytics_service.outbound.fact_index import ElasticFactIndex, definition
from domain_kit.ids import new_id
from elastic_store import open_elastic

# 23:30 on Saturday the 13th in Toronto, hours before its clocks go forward.
TIME = datetime(2027, 3, 14, 4, 30, tzinfo=UTC)


@pytest.fixture
async def stored(engine):
    async with open_elastic(engine.elasticsearch) as elastic:
        yield elastic.index(definition(f"facts-{new_id()}"))


def filed(zone: str = "America/Toronto", version: int = 1, gross: int = 100) -> FiledFact:
    lines = tuple(Line(f"events/e/ticketTypes/{n}", "CAD", Figures(1, gross=gross)) for n in "ab")
    fact = Fact("01fact", Kind.BOOKING_CONFIRMED, "organizers/o", "events/e", "events/e/bookings/b", "p", TIME, lines)
    return FiledFact(fact, OrganizerZone("organizers/o", version, zone))


async def test_a_fact_stands_there_by_the_id_of_its_domain_event_with_its_local_time(stored) -> None:
    index, huge = ElasticFactIndex(stored), 2**62 + 1
    assert await index.held() == 0
    assert await index.put([filed(gross=huge)]) == [filed(gross=huge)]
    assert await index.held() == 1
    first, second = await stored.get("01fact"), await stored.get("01fact-2")
    assert (first["day"], first["week"], first["hour"]) == ("2027-03-13", "2027-W10", 23)
    assert (first["gross"], first["kind"], first["line"]) == (huge, "BOOKING_CONFIRMED", 1)
    assert (second["ticket_type"], second["line"]) == ("events/e/ticketTypes/b", 2)


async def test_repeats_change_nothing_and_a_newer_zone_wins_in_any_order(stored) -> None:
    index = ElasticFactIndex(stored)
    for each in (filed("Pacific/Apia", 2), filed(), filed("Pacific/Apia", 2)):
        await index.put([each])
    await stored.refresh()
    assert await stored.count() == 2
    assert (await stored.get("01fact"))["day"] == "2027-03-14"


async def test_an_index_that_is_gone_is_made_again(stored) -> None:
    index = ElasticFactIndex(stored)
    await index.put([filed()])
    await stored._client.indices.delete(index=stored._definition.concrete)
    assert await index.held() == 0
    await index.put([filed()])
    assert await index.held() == 1
