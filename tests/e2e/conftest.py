"""One whole stack for all end-to-end tests, on ports and in a folder of its own, and the people who use it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from access import SigningKey, TokenSigner
from gateway_sandbox.providers import CARD_NETWORK, PROVIDERS
from local_stack.platform_processes import SERVICES
from local_stack.stack import Stack
from mongo_store import open_database
from testkit.native import stack_engines
from usher_cli import journey as steps
from usher_cli.accounts import Account, eventually, register
from usher_cli.api import Api, ApiRefusal, fresh_id
from usher_cli.journey import PASSWORD, Journey

ROLES = ("ROLE_OWNER", "ROLE_MANAGER", "ROLE_CHECK_IN", "ROLE_FINANCE", "ROLE_VIEWER")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack, engines = Stack(tmp_path_factory.mktemp("stack")), stack_engines()
    try:
        asyncio.run(stack.up(engines=engines))
        yield stack
    finally:
        asyncio.run(stack.down())


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[Api]:
    with Api(stack.url()) as api:
        yield api


@pytest.fixture(scope="session")
def channel(stack: Stack) -> Iterator[grpc.Channel]:
    """gRPC through the gateway."""
    with grpc.insecure_channel(stack.url().removeprefix("http://")) as channel:
        yield channel


@dataclass
class World:
    """One organizer with a member of every role, a sold event, and people who have nothing to do with it."""

    journey: Journey
    members: Mapping[str, Account]
    stranger: Account
    rival: Account
    colleague: Account
    resources: dict[str, str] = field(default_factory=dict)
    refreshed: float = field(default_factory=time.monotonic)

    def keep_signed_in(self) -> None:
        """Access tokens live ten minutes, a slow machine takes longer for all tests."""
        if time.monotonic() - self.refreshed > 240:
            for account in {id(each): each for each in (*self.members.values(), self.stranger, self.rival)}.values():
                account.refresh(self.journey.api)
            if self.journey.buyer:
                self.journey.buyer.refresh(self.journey.api)
            self.refreshed = time.monotonic()


def person(api: Api, mail: Path, name: str, mark: str) -> Account:
    email = f"{name}.{mark}@example.org"
    return register(api, mail, email=email, password=PASSWORD, display_name=name.title())


@pytest.fixture
def world(settled: World) -> World:
    settled.keep_signed_in()
    return settled


@pytest.fixture(scope="session")
def settled(stack: Stack, api: Api) -> World:
    journey = Journey(api, stack.mail())
    for step in steps.STEPS[: steps.STEPS.index(steps.tickets_are_mailed) + 1]:
        step(journey)
    assert journey.owner
    assert journey.buyer
    members = {"ROLE_OWNER": journey.owner}
    for role in ROLES[1:]:
        member = person(api, journey.mail, role.removeprefix("ROLE_").lower().replace("_", ""), journey.mark)
        api.post(
            f"/v1/{journey.organizer}/members",
            {"user": member.name, "role": role},
            token=journey.owner_token,
            query={"requestId": fresh_id()},
        )
        member.refresh(api)
        members[role] = member
    rival = person(api, journey.mail, "rival", journey.mark)
    body = {"displayName": "Rival", "timeZone": "UTC", "countryCode": "GB"}
    api.post("/v1/organizers", body, token=rival.token, query={"requestId": fresh_id()})
    rival.refresh(api)
    colleague = person(api, journey.mail, "colleague", journey.mark)
    api.post(
        f"/v1/{journey.organizer}/members",
        {"user": colleague.name, "role": "ROLE_VIEWER"},
        token=journey.owner_token,
        query={"requestId": fresh_id()},
    )
    world = World(journey, members, person(api, journey.mail, "stranger", journey.mark), rival, colleague)
    notifications = api.get(f"/v1/{journey.buyer.name}/notifications", token=journey.buyer_token)["notifications"]
    pools = api.get(f"/v1/{journey.event}/capacityPools")["capacityPools"]
    series = a_series(api, journey)
    door = api.post(
        f"/v1/{journey.event}/checkInLists",
        {"displayName": "Door"},
        token=journey.owner_token,
        query={"requestId": fresh_id()},
    )
    voucher = api.post(
        f"/v1/{journey.event}/vouchers",
        {"code": "MATRIX-1"},
        token=journey.owner_token,
        query={"requestId": fresh_id()},
    )
    world.resources = {
        "users/*": journey.buyer.name,
        "organizers/*": journey.organizer,
        "organizers/*/members/*": f"{journey.organizer}/members/{colleague.name.split('/')[1]}",
        "events/*": journey.event,
        "events/*/ticketTypes/*": journey.ticket_type,
        "events/*/capacityPools/*": pools[0]["name"],
        "events/*/dates/*": series["dates"],
        "events/*/questions/*": series["questions"],
        "events/*/discounts/*": series["discounts"],
        "events/*/seatingPlan": f"{series['event']}/seatingPlan",
        "events/*/checkInLists/*": door["name"],
        "events/*/vouchers/*": voucher["name"],
        "events/*/waitingListEntries/*": a_waiting_list_entry(api, journey),
        "events/*/resaleOffers/*": a_resale_offer(api, journey),
        "events/*/seatMap": f"{journey.event}/seatMap",
        "events/*/availability": f"{journey.event}/availability",
        "events/*/bookings/*": journey.booking["name"],
        "events/*/bookings/*/tickets/*": journey.booking["tickets"][0]["name"],
        "payments/*": journey.payment["name"],
        "invoices/*": an_invoice(api, journey),
        # Nothing can be paid out before the holding period is over; whose one would be its name tells.
        "organizers/*/payouts/*": f"{journey.organizer}/payouts/{'0' * 26}",
        "organizers/*/paymentSettings": f"{journey.organizer}/paymentSettings",
        "users/*/notifications/*": notifications[0]["name"],
        "users/*/savedPaymentMethods/*": a_saved_card(api, journey),
    }
    return world


def a_saved_card(api: Api, journey: Journey) -> str:
    """The name of one that the buyer agreed to have kept."""
    saved = api.post(
        f"/v1/{journey.buyer.name}/savedPaymentMethods:save",
        {"gateway": "stripe", "paymentMethod": "pm_card_visa", "consent": True},
        token=journey.buyer_token,
    )
    return str(saved["savedPaymentMethod"]["name"])


def an_invoice(api: Api, journey: Journey) -> str:
    """The name of the buyer's; it comes within seconds of the payment."""
    give_up = time.monotonic() + 30
    while True:
        found = api.get(f"/v1/{journey.buyer.name}/invoices", token=journey.buyer_token)["invoices"]
        if found:
            return found[0]["name"]
        assert time.monotonic() < give_up, "a payment without an invoice"
        time.sleep(0.1)


def a_series(api: Api, journey: Journey) -> Mapping[str, str]:
    """Names of a draft of the same organizer and of one of each of its parts, by collection."""

    def made(path: str, body: Mapping[str, Any]) -> str:
        return api.post(f"/v1/{path}", body, token=journey.owner_token, query={"requestId": fresh_id()})["name"]

    start, end = "2031-05-14T19:00:00Z", "2031-05-14T22:00:00Z"
    times = {"startTime": start, "endTime": end}
    event = made(
        "events", {"organizer": journey.organizer, "title": "Series", "timeZone": "UTC", "online": True, **times}
    )  # fmt: skip
    discount = {"displayName": "Pair", "conditionQuantity": 2, "benefitQuantity": 1, "percentOffBasisPoints": 500}
    return {
        "event": event,
        "dates": made(f"{event}/dates", times),
        "questions": made(f"{event}/questions", {"text": "Name?", "kind": "QUESTION_KIND_TEXT"}),
        "discounts": made(f"{event}/discounts", discount),
    }


def a_waiting_list_entry(api: Api, journey: Journey) -> str:
    """The buyer waits for the only place of another event, which they hold themselves."""
    event, wanted = a_full_event(api, journey, "5", {"waitingList": {"enabled": True}, "holdDuration": "86400s"})
    query = {"requestId": fresh_id()}
    name: str = api.post(f"/v1/{event}/waitingListEntries", wanted, token=journey.buyer_token, query=query)["name"]
    return name


def a_resale_offer(api: Api, journey: Journey) -> str:
    """The buyer sells on the only place of another event, which is free."""
    event, _ = a_full_event(api, journey, "0", {"resaleAllowed": True})
    [booking] = api.get(f"/v1/{event}/bookings", token=journey.owner_token)["bookings"]
    confirmed = api.post(f"/v1/{booking['name']}:confirm", {"requestId": fresh_id()}, token=journey.buyer_token)
    tickets = [each["name"] for each in confirmed["tickets"]]
    body = {"tickets": tickets, "requestId": fresh_id()}
    made = api.post(f"/v1/{booking['name']}:offerForResale", body, token=journey.buyer_token)["resaleOffers"]
    name: str = made[0]["name"]
    return name


def a_full_event(api: Api, journey: Journey, price: str, terms: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """An event whose only place the buyer holds, and what they wanted."""
    event, kind = on_sale(api, journey, {"currencyCode": "EUR", "units": price}, 1, terms)
    wanted = {"ticketType": kind, "quantity": 1}
    query = {"requestId": fresh_id()}
    api.post(f"/v1/{event}/bookings", {"lines": [wanted]}, token=journey.buyer_token, query=query)
    return event, wanted


def on_sale(
    api: Api, journey: Journey, price: Mapping[str, Any], capacity: int, terms: Mapping[str, Any]
) -> tuple[str, str]:
    """An event of the journey's organizer that can be booked: names of it and of its only ticket type."""

    def post(path: str, body: Mapping[str, Any]) -> Any:
        return api.post(f"/v1/{path}", body, token=journey.owner_token, query={"requestId": fresh_id()})

    times = {"startTime": "2031-05-14T19:00:00Z", "endTime": "2031-05-14T22:00:00Z"}
    draft = {"organizer": journey.organizer, "title": "Full", "timeZone": "UTC", "online": True, **times}
    event = post("events", {**draft, "bookingTerms": terms})["name"]
    pool = post(f"{event}/capacityPools", {"displayName": "Room", "capacity": capacity})["name"]
    kind = post(f"{event}/ticketTypes", {"displayName": "Seat", "price": price, "capacityPools": [pool]})["name"]
    api.post(f"/v1/{event}:publish", {"requestId": fresh_id()}, token=journey.owner_token)

    def bookable() -> bool | None:
        try:
            return api.get(f"/v1/{event}/availability").get("bookable") or None
        except ApiRefusal:
            return None

    eventually(bookable, seconds=60, what="the event on sale")
    return event, kind


@pytest.fixture
def open_sale(api: Api, world: World) -> Callable[..., tuple[str, str]]:
    """Puts places on sale: names of the event and of its ticket type."""

    def on(price: Mapping[str, Any], capacity: int, **terms: Any) -> tuple[str, str]:
        return on_sale(api, world.journey, price, capacity, terms)

    return on


class Sandbox:
    """What a test may do to the gateways, and read in their books."""

    GATEWAYS = (CARD_NETWORK, *PROVIDERS)

    def __init__(self, url: str) -> None:
        self.url = url

    def switch(self, gateway: str, **switches: Any) -> None:
        """As its README says."""
        answer = httpx.post(f"{self.url}/_sandbox/{gateway}/switches", json=switches)
        assert answer.status_code == 200, answer.text

    def charges(self, gateway: str) -> Sequence[Mapping[str, Any]]:
        """Every one, with our key of its order as `order`."""
        found = httpx.get(f"{self.url}/_sandbox/{gateway}/charges").json()["charges"]
        return [{"order": each.get("metadata", {}).get("order", ""), **each} for each in found]

    def taken(self) -> Counter[tuple[str, str]]:
        """(gateway, our key of the order) → how often its money was taken, over all gateways."""
        taken: Counter[tuple[str, str]] = Counter()
        for gateway in self.GATEWAYS:
            for charge in self.charges(gateway):
                taken[gateway, charge["order"]] += charge["captured"]
        return +taken


@pytest.fixture
def sandbox(stack: Stack) -> Sandbox:
    return Sandbox(f"http://127.0.0.1:{stack.state().ports['sandbox']}")


@pytest.fixture
def read(stack: Stack) -> Callable[..., list[Mapping[str, Any]]]:
    """Documents of a service's collection that match."""

    async def find(service: str, collection: str, where: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        uri = f"mongodb://127.0.0.1:{stack.state().ports['mongodb']}/?replicaSet=secantus"
        async with open_database(uri, f"usher_{service}") as database:
            return [each async for each in database.collection(collection).find(where)]

    return lambda service, collection, where: asyncio.run(find(service, collection, where))


@pytest.fixture
def written(stack: Stack) -> Callable[[], Mapping[str, int]]:
    """Counts the journal rows of every service: what has been written, by service."""

    async def count() -> dict[str, int]:
        uri = f"mongodb://127.0.0.1:{stack.state().ports['mongodb']}/?replicaSet=secantus"
        counts = {}
        for service in SERVICES:
            async with open_database(uri, f"usher_{service}") as database:
                counts[service] = await database.collection("journal").count_documents(
                    {"_id": {"$regex": r"\|usher\."}}
                )
        return counts

    return lambda: asyncio.run(count())


@pytest.fixture(scope="session")
def signer(stack: Stack, settled: World) -> TokenSigner:
    """Signs as the user service does, with its present key; for tokens no sign-in would give."""

    async def newest_key() -> bytes:
        uri = f"mongodb://127.0.0.1:{stack.state().ports['mongodb']}/?replicaSet=secantus"
        async with open_database(uri, "usher_user") as database:
            document = await database.collection("signing_keys").find_one(sort=[("_id", -1)])
        assert document
        return bytes(document["pem"])

    return TokenSigner(SigningKey.from_pem(asyncio.run(newest_key())), stack.url())
