"""Who sells what to whom on the stack that is broken."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from access import Role, SigningKey, TokenSigner
from local_stack.readiness import LOOPBACK
from local_stack.stack import Stack
from mongo_store import open_database
from usher_cli.accounts import eventually, register
from usher_cli.api import Api, ApiRefusal, fresh_id

PASSWORD = "whatever breaks, 2026"
LONG = timedelta(hours=12)  # of a token: longer than any campaign
PATIENCE_SECONDS = 60.0  # of callers while something is dead


@dataclass(frozen=True)
class Sale:
    """An event on sale with one ticket type out of one pool."""

    event: str
    ticket_type: str
    capacity: int


@dataclass(frozen=True)
class World:
    """An organizer with its owner, and buyers with accounts of their own, so that every service knows them."""

    stack: Stack
    api: Api
    signer: TokenSigner
    organizer: str
    owner: str
    buyers: tuple[str, ...]

    def token(self, user: str, roles: Mapping[str, Role] | None = None) -> str:
        """What a sign-in would give, for longer."""
        return self.signer.sign(user, roles or {}, session="resilience", lifetime=LONG)

    @property
    def owner_token(self) -> str:
        return self.token(self.owner, {self.organizer: Role.OWNER})

    def post(self, path: str, body: Mapping[str, Any], token: str = "", **query: str) -> Any:
        """As the owner unless another token is given; repeated until it is answered, with one request id."""
        return self.api.post(path, body, token=token or self.owner_token, query={"requestId": fresh_id(), **query})

    def act(self, path: str, token: str = "", **body: Any) -> Any:
        """A custom verb, whose request id stands in the body."""
        return self.api.post(path, {"requestId": fresh_id(), **body}, token=token or self.owner_token)


def database_uri(stack: Stack) -> str:
    return f"mongodb://{LOOPBACK}:{stack.state().ports['mongodb']}/?replicaSet=secantus"


@contextmanager
def settle(stack: Stack) -> Iterator[World]:
    """The people; gone with the stack."""
    with Api(stack.url(), patience_seconds=PATIENCE_SECONDS) as api:
        people = [
            register(api, stack.mail(), email=f"{name}@broken.example", password=PASSWORD, display_name=name.title())
            for name in ("owner", "ada", "grace")
        ]
        body = {"displayName": "On sale", "timeZone": "Europe/Berlin", "countryCode": "DE"}
        founded = api.post("/v1/organizers", body, token=people[0].token, query={"requestId": fresh_id()})
        owner, *buyers = (each.name for each in people)
        yield World(stack, api, asyncio.run(open_signer(stack)), founded["name"], owner, tuple(buyers))


async def open_signer(stack: Stack) -> TokenSigner:
    """Signs access tokens as the user service does."""
    async with open_database(database_uri(stack), "usher_user") as database:
        document = await database.collection("signing_keys").find_one(sort=[("_id", -1)])
    assert document
    return TokenSigner(SigningKey.from_pem(bytes(document["pem"])), stack.url())


def open_sale(world: World, capacity: int, *, euros: int = 0, **details: Any) -> Sale:
    """A published event that can be booked."""
    start = datetime.now(UTC) + timedelta(days=60)
    event = world.post(
        "/v1/events",
        {
            "organizer": world.organizer,
            "title": "On sale",
            "timeZone": "UTC",
            "online": True,
            "startTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "endTime": f"{start + timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}",
            **details,
        },
    )["name"]
    pool = world.post(f"/v1/{event}/capacityPools", {"displayName": "Hall", "capacity": capacity})["name"]
    price = {"currencyCode": "EUR", "units": str(euros)}
    kind = {"displayName": "Standard", "price": price, "capacityPools": [pool]}
    sale = Sale(event, world.post(f"/v1/{event}/ticketTypes", kind)["name"], capacity)
    world.act(f"/v1/{event}:publish")

    def bookable() -> bool | None:
        try:
            return world.api.get(f"/v1/{event}/availability")["bookable"] or None
        except ApiRefusal as refusal:
            if refusal.status != 404:
                raise
            return None

    eventually(bookable, seconds=PATIENCE_SECONDS, what="the event on sale")
    return sale
