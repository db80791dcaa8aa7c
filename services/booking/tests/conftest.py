from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from booking_service.domain.booking import Booking
from booking_service.domain.commands import Hold, ProjectOffer
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType, OfferState, Pool
from booking_service.domain.outcome import Outcome
from booking_service.domain.ports import Condition
from booking_service.domain.records import Record, View, key_of
from booking_service.domain.selling import Wanted
from booking_service.domain.stock import Stock
from booking_service.domain.voucher import Voucher
from booking_service.outbound import announcements, check_ins, repositories, resale_offers, vouchers, waiting_entries
from booking_service.outbound.desk import BatchDesk
from booking_service.outbound.lanes import Lanes
from booking_service.outbound.ticket_keys import TicketKeys
from domain_kit.ids import new_id
from domain_kit.money import Money
from domain_kit.repository import Cause
from mongo_store import Journal, open_database
from testkit.engines import mongo_engine
from testkit.memory import MemoryJournal

NOW = datetime(2027, 5, 1, 12, tzinfo=UTC)
EVENT = "events/01jz000000000000000000evnt"


class Issuer:
    """Codes that count."""

    def __init__(self) -> None:
        self.issued = 0

    def issue(self, booking: str) -> tuple[str, str]:
        self.issued += 1
        return f"{booking}/tickets/{new_id()}", f"code-{self.issued}"


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


def offered_type(name: str = "standard", **changes: object) -> OfferedType:
    plain = OfferedType(f"{EVENT}/ticketTypes/{name}", name.title(), Money(2500, "EUR"), ("hall",))
    return replace(plain, **changes)


def offer(*types: OfferedType, capacities: dict[str, int] | None = None, **changes: object) -> Offer:
    plain = Offer(
        event=EVENT,
        organizer="organizers/01jz000000000000000000rgnz",
        title="Concert",
        state=OfferState.PUBLISHED,
        start_time=NOW + timedelta(days=10),
        end_time=NOW + timedelta(days=10, hours=3),
        time_zone="Europe/Berlin",
        ticket_types=types or (offered_type(),),
        pools={pool: Pool(capacity) for pool, capacity in (capacities or {"hall": 50}).items()},
        version=1,
        published=True,
    )
    return replace(plain, **changes)


def decide(command: object, of: Stock, *records: Record | None, now: datetime = NOW) -> Outcome:
    """Its outcome on this stock, with these records and no others."""
    there = {key_of(record): record for record in records if record is not None}
    return command.decide(View(of, dict.fromkeys(command.needs(of, there)) | there), now)


def stock(of: Offer | None = None, **taken: int) -> Stock:
    return Stock(of or offer(), Inventory(EVENT, taken, version=1))


def hold(buyer: str = "users/ada", *, name: str = "", event: str = EVENT, **wanted: int) -> Hold:
    lines = [Wanted(f"{event}/ticketTypes/{kind}", count) for kind, count in (wanted or {"standard": 1}).items()]
    return Hold(event, name or f"{event}/bookings/{new_id()}", buyer, lines, timedelta(minutes=10))


def voucher(code: str = "SPRING", **changes: object) -> Voucher:
    return replace(Voucher(f"{EVENT}/vouchers/{code.lower()}", EVENT, code, NOW, NOW), **changes)


def condition(field: str, value: object, *, same: bool = True) -> Condition:
    return Condition(field, value, same)


def held(of: Stock | None = None, now: datetime = NOW, **wanted: int) -> tuple[Stock, Booking]:
    outcome = decide(hold(**wanted), of or stock(), now=now)
    assert isinstance(outcome.answer, Booking)
    return outcome.stock, replace(outcome.answer, version=1)


def cause(key: str = "", fingerprint: bytes = b"") -> Cause:
    return Cause(key or new_id(), fingerprint)


def lanes_on(journal: object, **options: object) -> Lanes:
    return Lanes([BatchDesk(journal) for _ in range(2)], **options)


@pytest.fixture
def make() -> SimpleNamespace:
    """Builders of what tests need."""
    return SimpleNamespace(
        NOW=NOW, EVENT=EVENT, Issuer=Issuer, type=offered_type, offer=offer, stock=stock, hold=hold, held=held,
        cause=cause, lanes_on=lanes_on, decide=decide, project=ProjectOffer, voucher=voucher,
        condition=condition,
    )  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    with mongo_engine() as uri:
        yield uri


@pytest.fixture
def memory(clock: Clock) -> MemoryJournal:
    return MemoryJournal(clock)


@pytest.fixture
async def database(mongo_uri: str) -> AsyncIterator[object]:
    async with open_database(mongo_uri, f"test_{new_id()}") as opened:
        yield opened


@pytest.fixture(params=["memory", "mongo"])
async def journal(request: pytest.FixtureRequest, clock: Clock) -> AsyncIterator[object]:
    """The same suite on the fake and on the embedded database."""
    if request.param == "memory":
        yield MemoryJournal(clock)
        return
    async with open_database(request.getfixturevalue("mongo_uri"), f"test_{new_id()}") as database:
        store = Journal(database, clock)
        await store.ensure_indexes()
        parts = (repositories, announcements, check_ins, resale_offers, vouchers, waiting_entries)
        indexes = [part.INDEXES for part in parts]
        await database.ensure_indexes({name: of for each in indexes for name, of in each.items()})
        yield store


@pytest.fixture
async def keys(memory: MemoryJournal) -> TicketKeys:
    opened = TicketKeys(memory)
    await opened.open()
    return opened
