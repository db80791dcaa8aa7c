"""Events made up for the tests, and a real search service in process on real wires, without a broker."""

import dataclasses
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from chassis import open_chassis
from domain_kit.ids import new_id
from elastic_store import open_elastic
from event_backbone import Received
from search_service.composition import build
from search_service.inbound.consumers import booking_subscription, event_subscription
from search_service.outbound.event_index import ElasticEventIndex
from search_service.outbound.mapping import definition
from search_service.outbound.sources import MongoSources
from search_service.outbound.views import Views
from search_service.settings import Settings
from telemetry import Metrics
from testkit.calls import Calls, calls_to
from testkit.engines import mongo_engine
from testkit.noida import kafka_elastic_engine
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_facts
from usher.event.v1 import domain_events_pb2 as event_facts
from usher.event.v1 import event_pb2, ticket_type_pb2

START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
ORGANIZER = f"organizers/{new_id()}"
CITIES = {
    "Berlin": ("DE", 52.52, 13.405),
    "München": ("DE", 48.137, 11.575),
    "Wrocław": ("PL", 51.108, 17.038),
    "Toronto": ("CA", 43.653, -79.383),
    "Kraków": ("PL", 50.062, 19.938),
}


class Engine(Protocol):
    """Something with an Elasticsearch."""

    elasticsearch: str


@dataclasses.dataclass(frozen=True)
class GivenEngine:
    """One that runs already."""

    elasticsearch: str


def event_message(title: str = "Jazz night", **change: object) -> event_pb2.Event:
    """A published event. `start` and `city` say more than one field; others are fields of the message."""
    start = change.pop("start", START)
    event = event_pb2.Event(
        name=f"events/{new_id()}",
        organizer=ORGANIZER,
        title=title,
        state=event_pb2.EVENT_STATE_PUBLISHED,
        time_zone="Europe/Berlin",
    )
    event.start_time.FromDatetime(start)  # type: ignore[arg-type]
    event.end_time.FromDatetime(start + timedelta(hours=3))  # type: ignore[operator]
    if city := change.pop("city", ""):
        country, latitude, longitude = CITIES[str(city)]
        event.venue.city, event.venue.country_code, event.venue.display_name = str(city), country, f"{city} Hall"
        event.venue.location.latitude, event.venue.location.longitude = latitude, longitude
    event.MergeFrom(event_pb2.Event(**change))  # type: ignore[arg-type]
    return event


class World:
    """The other services as search sees them: what they say goes straight into search's handlers."""

    def __init__(self, sources: MongoSources, index: ElasticEventIndex, calls: Calls, settings: Settings) -> None:
        self.sources, self.index, self.calls, self.settings = sources, index, calls, settings
        self._handlers = {
            **event_subscription(sources, index).handlers,
            **booking_subscription(sources, index).handlers,
        }
        self.versions: dict[str, int] = {}

    async def tell(self, fact: object, subject: str, version: int | None = None) -> None:
        """Handle a domain event; the next version of its subject unless said otherwise."""
        if version is None:
            version = self.versions[subject] = self.versions.get(subject, 0) + 1
        received = Received(new_id(), "", subject, version, datetime.now(UTC), "", "")
        await self._handlers[type(fact)](fact, received)

    async def publish(
        self, event: event_pb2.Event, prices: tuple[tuple[int, str], ...] = (), *, version: int | None = None
    ) -> str:
        """The event service tells of it, with a ticket type for each price in whole units; its name."""
        types = []
        for number, (units, currency) in enumerate(prices):
            each = ticket_type_pb2.TicketType(name=f"{event.name}/ticketTypes/t{number}", display_name="Ticket")
            each.price.units, each.price.currency_code = units, currency
            types.append(each)
        snapshot = event_facts.EventSnapshot(event=event, ticket_types=types)
        await self.tell(event_facts.EventPublished(snapshot=snapshot), event.name, version)
        return event.name

    async def say_available(
        self, event: str, bookable: bool = True, *, version: int | None = None, prices: tuple[tuple[int, str], ...] = ()
    ) -> None:
        """The booking service tells what can be booked, and what the next ticket of each type costs."""
        state = booking_pb2.Availability(name=f"{event}/availability", bookable=bookable)
        for number, (units, currency) in enumerate(prices):
            each = state.ticket_types.add(ticket_type=f"{event}/ticketTypes/t{number}")
            each.sale_state = booking_pb2.SALE_STATE_ON_SALE
            each.price.units, each.price.currency_code = units, currency
        await self.tell(booking_facts.AvailabilityChanged(availability=state), state.name, version)


@pytest.fixture(scope="session")
def mongodb() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A real Elasticsearch where USHER_TEST_ELASTICSEARCH_URL names one."""
    if given := os.environ.get("USHER_TEST_ELASTICSEARCH_URL"):
        yield GivenEngine(given)
        return
    with kafka_elastic_engine() as engine:
        yield engine


Worlds = Callable[..., AbstractAsyncContextManager[World]]


@pytest.fixture
def worlds(mongodb: str) -> Worlds:
    """Makes a running search service on an engine; each has a database and an index of its own unless named."""

    @asynccontextmanager
    async def world(engine: Engine, id: str = "", *, listening: bool = False, **change: object) -> AsyncIterator[World]:
        id = id or new_id()[-10:]
        settings = Settings(
            service=f"search_{id}",
            mongodb_uri=mongodb,
            kafka_brokers="127.0.0.1:1",
            page_token_key=b"0" * 32,
            elasticsearch_url=engine.elasticsearch,
            index_name=f"search-events-{id}",
        )
        settings = dataclasses.replace(settings, **change)
        async with build(settings, Metrics("search")) as service:
            tending = next(each for each in service.workers if each.name == "tending")
            # Where no broker listens the consumers would only complain.
            served = service if listening else dataclasses.replace(service, workers=[tending])
            async with (
                calls_to(served) as calls,
                open_chassis(settings, Metrics("test")) as chassis,
                open_elastic(settings.elasticsearch_url) as elastic,
            ):
                stored = elastic.index(definition(settings.index_name))
                yield World(
                    MongoSources(chassis.database), ElasticEventIndex(stored, Views(stored, most=5)), calls, settings
                )

    return world


@pytest.fixture
async def world(worlds: Worlds, engine: Engine) -> AsyncIterator[World]:
    async with worlds(engine, views_kept=3) as world:
        yield world


@pytest.fixture
def events() -> Callable[..., event_pb2.Event]:
    return event_message
