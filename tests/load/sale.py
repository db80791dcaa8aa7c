"""What the measurements sell and to whom, and what the database says about it afterwards."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from access import Role, SigningKey, TokenSigner
from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack
from mongo_store import open_database
from usher_cli.accounts import eventually, register
from usher_cli.api import Api, ApiRefusal

ON_SALE_SECONDS = 60.0
BUYERS = 4
READING_PATIENCE = timedelta(minutes=1)  # the embedded database collects all of 100,000 documents before it answers
PASSWORD = "a load of bookings, 2026"
TOKEN_LIFETIME = timedelta(minutes=30)
HOLDS_PLACES = ("HELD", "CONFIRMED")
FREE = {"currencyCode": "EUR"}


@dataclass(frozen=True)
class Sale:
    """An event on sale with one ticket type out of one pool."""

    event: str
    ticket_type: str
    capacity: int


def database_uri(stack: Stack) -> str:
    """Where the stack's database answers."""
    return f"mongodb://{LOOPBACK}:{stack.state().ports['mongodb']}/?replicaSet=secantus"


async def open_signer(stack: Stack) -> TokenSigner:
    """Signs access tokens as the user service does, but some that last as long as the measurements."""
    async with open_database(database_uri(stack), "usher_user") as database:
        document = await database.collection("signing_keys").find_one(sort=[("_id", -1)])
    if document is None:
        raise LookupError("the user service has no signing key yet")
    return TokenSigner(SigningKey.from_pem(bytes(document["pem"])), stack.url())


@dataclass(frozen=True)
class People:
    """Real accounts, so that every service knows whom it serves; `owner` and `buyers` are access tokens."""

    organizer: str
    owner: str
    buyers: Sequence[str]


def register_people(api: Api, mail: Path, signer: TokenSigner, clients: int) -> People:
    """An organizer with its owner, and a few accounts that the clients share: a password hash takes its time."""
    names = [_account(api, mail, f"buyer{number}") for number in range(BUYERS)]
    owner = register(api, mail, email="owner@load.example", password=PASSWORD, display_name="Owner")
    body = {"displayName": "On sale", "timeZone": "Europe/Berlin", "countryCode": "DE"}
    organizer = api.post("/v1/organizers", body, token=owner.token, query=_request())["name"]
    tokens = [
        signer.sign(names[number % BUYERS], {}, session=f"load{number}", lifetime=TOKEN_LIFETIME)
        for number in range(clients)
    ]
    roles = {organizer: Role.OWNER}
    return People(organizer, signer.sign(owner.name, roles, session="load", lifetime=TOKEN_LIFETIME), tokens)


def _account(api: Api, mail: Path, name: str) -> str:
    return register(api, mail, email=f"{name}@load.example", password=PASSWORD, display_name=name.title()).name


def _request() -> dict[str, str]:
    return {"requestId": secrets.token_hex(8)}


def open_sale(api: Api, people: People, capacity: int) -> Sale:
    """A published event that can be booked."""
    return open_sales(api, people, capacity, 1)[0]


def open_sales(api: Api, people: People, capacity: int, count: int, price: Mapping[str, Any] = FREE) -> list[Sale]:
    """So many of them; returns when all can be booked. price: of a ticket, a google.type.Money."""
    sales = [_publish(api, people, capacity, price) for _ in range(count)]
    for sale in sales:
        _wait_for(api, sale)
    return sales


def _publish(api: Api, people: People, capacity: int, price: Mapping[str, Any]) -> Sale:
    start = datetime.now(UTC) + timedelta(days=60)

    def post(path: str, body: Mapping[str, Any]) -> Any:
        return api.post(path, body, token=people.owner, query=_request())

    event = post(
        "/v1/events",
        {
            "organizer": people.organizer,
            "title": "On sale",
            "timeZone": "UTC",
            "online": True,
            "startTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "endTime": f"{start + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}",
        },
    )["name"]
    pool = post(f"/v1/{event}/capacityPools", {"displayName": "Hall", "capacity": capacity})["name"]
    ticket_type = post(
        f"/v1/{event}/ticketTypes",
        {"displayName": "Ticket", "price": price, "capacityPools": [pool]},
    )["name"]
    api.post(f"/v1/{event}:publish", _request(), token=people.owner)
    return Sale(event, ticket_type, capacity)


def _wait_for(api: Api, sale: Sale) -> None:
    def on_sale() -> bool | None:
        try:
            return True if api.get(f"/v1/{sale.event}/availability")["bookable"] else None
        except ApiRefusal as refusal:
            if refusal.status != 404:
                raise
            return None

    eventually(on_sale, seconds=ON_SALE_SECONDS, what="the sale of the event")


@dataclass(frozen=True)
class Books:
    """What a sale came to. stored: booking name → state. taken: places by the inventory's own count."""

    stored: Mapping[str, str]
    places: int
    taken: int
    doubled: int


async def read_books(stack: Stack) -> dict[str, Books]:
    """What the booking service's database holds, by event."""
    stored: dict[str, dict[str, str]] = defaultdict(dict)
    places: Counter[str] = Counter()
    versions: Counter[tuple[str, int]] = Counter()
    async with open_database(database_uri(stack), "usher_booking", patience=READING_PATIENCE) as database:
        async for each in database.collection("bookings").find({}, {"event": 1, "state": 1, "lines": 1}):
            stored[each["event"]][each["_id"]] = each["state"]
            places[each["event"]] += _places(each) if each["state"] in HOLDS_PLACES else 0
        async for row in database.collection("journal").find({}, {"ev.v": 1, "agg": 1}):
            versions.update((row["agg"], event["v"]) for event in row["ev"])
        inventories = [each async for each in database.collection("inventory").find({})]
    doubled = Counter(event_of(name) for (name, _), count in versions.items() if count > 1 and "/bookings/" in name)
    return {
        each["_id"]: Books(stored[each["_id"]], places[each["_id"]], sum(each["taken"].values()), doubled[each["_id"]])
        for each in inventories
    }


def event_of(booking: str) -> str:
    """The event a booking's name begins with."""
    return booking.partition("/bookings/")[0]


def _places(document: Mapping[str, Any]) -> int:
    return sum(int(line["quantity"] if isinstance(line, Mapping) else line[1]) for line in document["lines"])


def violations(sale: Sale, books: Books, acknowledged: Iterable[Sequence[str]], unanswered: int) -> list[str]:
    """What is wrong, one sentence each.

    acknowledged: name and state as answered, in the order of the answers of each booking, of all sales. unanswered:
    calls whose outcome no client knows; the database may hold that many bookings more, or in another state.
    """
    acknowledged = [each for each in acknowledged if event_of(each[0]) == sale.event]
    by_name = groupby(sorted(acknowledged, key=lambda each: each[0]), key=lambda each: each[0])  # a stable sort
    told = {name: [each[1] for each in answers][-1].removeprefix("BOOKING_STATE_") for name, answers in by_name}
    lost = [name for name in told if name not in books.stored]
    other = [name for name, state in told.items() if name in books.stored and books.stored[name] != state]
    holding = sum(state in HOLDS_PLACES for state in books.stored.values())
    wanted = sum(state in HOLDS_PLACES for state in told.values())
    problems = []
    if books.places > sale.capacity:
        problems.append(f"{sale.event}: {books.places} places given of {sale.capacity}")
    if books.places != books.taken:
        problems.append(f"{sale.event}: bookings take {books.places} places, the inventory counts {books.taken}")
    if lost:
        problems.append(f"{sale.event}: {len(lost)} acknowledged bookings are not there, first {lost[0]}")
    if len(other) > unanswered:
        problems.append(f"{sale.event}: {len(other)} bookings are in another state than acknowledged, first {other[0]}")
    if not wanted - len(other) <= holding <= wanted + unanswered:
        problems.append(f"{sale.event}: {wanted} bookings acknowledged, {unanswered} open, {holding} hold places")
    if books.doubled:
        problems.append(f"{sale.event}: {books.doubled} versions of bookings exist twice")
    return problems
