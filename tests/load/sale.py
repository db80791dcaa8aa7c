"""What the measurements sell and to whom, and what the database says about it afterwards."""

import secrets
from collections import Counter
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
PASSWORD = "a load of bookings, 2026"
TOKEN_LIFETIME = timedelta(minutes=30)
HOLDS_PLACES = ("HELD", "CONFIRMED")


@dataclass(frozen=True)
class Sale:
    """An event on sale with one free ticket type out of one pool."""

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
        {"displayName": "Free", "price": {"currencyCode": "EUR"}, "capacityPools": [pool]},
    )["name"]
    api.post(f"/v1/{event}:publish", _request(), token=people.owner)

    def on_sale() -> bool | None:
        try:
            return True if api.get(f"/v1/{event}/availability")["bookable"] else None
        except ApiRefusal as refusal:
            if refusal.status != 404:
                raise
            return None

    eventually(on_sale, seconds=ON_SALE_SECONDS, what="the sale of the event")
    return Sale(event, ticket_type, capacity)


@dataclass(frozen=True)
class Books:
    """What a sale came to. stored: booking name → state. taken: places by the inventory's own count."""

    stored: Mapping[str, str]
    places: int
    taken: int
    doubled: int


async def read_books(stack: Stack, sale: Sale) -> Books:
    """What the booking service's database holds of one sale."""
    async with open_database(database_uri(stack), "usher_booking") as database:
        cursor = database.collection("bookings").find({"event": sale.event}, {"state": 1, "lines": 1})
        found = [document async for document in cursor]
        inventory = await database.collection("inventory").find_one({"_id": sale.event})
        rows = database.collection("journal").find({"agg": {"$regex": f"^{sale.event}/"}}, {"ev.v": 1, "agg": 1})
        versions = Counter((row["agg"], event["v"]) for row in [row async for row in rows] for event in row["ev"])
    places = sum(_places(document) for document in found if document["state"] in HOLDS_PLACES)
    taken = sum(inventory["taken"].values()) if inventory else 0
    doubled = sum(count > 1 for count in versions.values())
    return Books({document["_id"]: document["state"] for document in found}, places, taken, doubled)


def _places(document: Mapping[str, Any]) -> int:
    return sum(int(line["quantity"] if isinstance(line, Mapping) else line[1]) for line in document["lines"])


def violations(sale: Sale, books: Books, acknowledged: Iterable[Sequence[str]], unanswered: int) -> list[str]:
    """What is wrong, one sentence each.

    acknowledged: name and state as answered, in the order of the answers of each booking. unanswered: calls whose
    outcome no client knows; the database may hold that many bookings more.
    """
    by_name = groupby(sorted(acknowledged, key=lambda each: each[0]), key=lambda each: each[0])  # a stable sort
    told = {name: [state for _, state in answers][-1].removeprefix("BOOKING_STATE_") for name, answers in by_name}
    lost = [name for name in told if name not in books.stored]
    other = [name for name, state in told.items() if name in books.stored and books.stored[name] != state]
    holding = sum(state in HOLDS_PLACES for state in books.stored.values())
    problems = []
    if books.places > sale.capacity:
        problems.append(f"{sale.event}: {books.places} places given of {sale.capacity}")
    if books.places != books.taken:
        problems.append(f"{sale.event}: bookings take {books.places} places, the inventory counts {books.taken}")
    if lost:
        problems.append(f"{sale.event}: {len(lost)} acknowledged bookings are not there, first {lost[0]}")
    if len(other) > unanswered:
        problems.append(f"{sale.event}: {len(other)} bookings are in another state than acknowledged, first {other[0]}")
    if not len(told) <= holding <= len(told) + unanswered:
        problems.append(f"{sale.event}: {len(told)} bookings acknowledged, {unanswered} open, {holding} hold places")
    if books.doubled:
        problems.append(f"{sale.event}: {books.doubled} versions of bookings exist twice")
    return problems
