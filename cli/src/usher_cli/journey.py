"""The main journey, step by step over JSON: what `usher demo` shows and what the end-to-end tests prove."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local_stack.mail_folder import CaughtMail
from usher_cli.accounts import Account, eventually, register, wait_for_mail
from usher_cli.api import Api, ApiRefusal, Document, fresh_id

PASSWORD = "correct horse battery"
PROJECTION_SECONDS = 20.0
"""How long a change may take to reach another service; normally well under a second."""


@dataclass(slots=True)
class Journey:
    """What the steps have learnt so far; a fresh one is a journey of new people at a new event."""

    api: Api
    mail: Path
    price_units: int = 49
    quantity: int = 2
    mark: str = field(default_factory=lambda: secrets.token_hex(4))
    owner: Account | None = None
    buyer: Account | None = None
    organizer: str = ""
    event: str = ""
    ticket_type: str = ""
    booking: Document = field(default_factory=dict)
    payment: Document = field(default_factory=dict)
    ticket_mail: CaughtMail | None = None
    sales: Document = field(default_factory=dict)

    @property
    def owner_token(self) -> str:
        """Access token of the organizer's owner."""
        return self.owner.token if self.owner else ""

    @property
    def buyer_token(self) -> str:
        """Access token of the buyer."""
        return self.buyer.token if self.buyer else ""


Step = Callable[[Journey], None]
"""One step: calls the API, notes in the journey what it learnt; its docstring is what the transcript says."""


def owner_registers(journey: Journey) -> None:
    """Olga registers, proves her address with the code in the mail and signs in."""
    journey.owner = register(
        journey.api,
        journey.mail,
        email=f"olga.{journey.mark}@example.org",
        password=PASSWORD,
        display_name="Olga Owner",
    )


def organizer_is_founded(journey: Journey) -> None:
    """She founds an organizer and refreshes her token, in which her role travels."""
    body = {"displayName": f"Aurora Events {journey.mark}", "timeZone": "Europe/Paris", "countryCode": "FR"}
    query = {"requestId": fresh_id()}
    answer = journey.api.post("/v1/organizers", body, token=journey.owner_token, query=query)
    journey.organizer = answer["name"]
    if journey.owner:
        journey.owner.refresh(journey.api)


def event_is_published(journey: Journey) -> None:
    """She drafts an event with a hall of 50 places and a paid ticket, and publishes it."""
    start = (datetime.now(UTC) + timedelta(days=30)).replace(hour=18, minute=0, second=0, microsecond=0)
    event = {
        "organizer": journey.organizer,
        "title": f"Night of the Aurora {journey.mark}",
        "description": "Northern lights, told and shown by those who chase them.",
        "startTime": _stamp(start),
        "endTime": _stamp(start + timedelta(hours=3)),
        "timeZone": "Europe/Paris",
        "category": "science",
        "languageCode": "en",
        "venue": {
            "displayName": "Palais de la découverte",
            "city": "Paris",
            "countryCode": "FR",
            "location": {"latitude": 48.8663, "longitude": 2.3107},
        },
    }
    token, api = journey.owner_token, journey.api
    journey.event = api.post("/v1/events", event, token=token, query={"requestId": fresh_id()})["name"]
    pool = {"displayName": "Hall", "capacity": 50}
    path = f"/v1/{journey.event}"
    hall = api.post(f"{path}/capacityPools", pool, token=token, query={"requestId": fresh_id()})["name"]
    ticket_type = {
        "displayName": "Standard",
        "price": {"currencyCode": "EUR", "units": str(journey.price_units)},
        "capacityPools": [hall],
    }
    answer = api.post(f"{path}/ticketTypes", ticket_type, token=token, query={"requestId": fresh_id()})
    journey.ticket_type = answer["name"]
    api.post(f"{path}:publish", {"requestId": fresh_id()}, token=token)


def buyer_registers(journey: Journey) -> None:
    """Bao registers, proves his address and signs in."""
    journey.buyer = register(
        journey.api, journey.mail, email=f"bao.{journey.mark}@example.org", password=PASSWORD, display_name="Bao Buyer"
    )


def event_is_found(journey: Journey) -> None:
    """He searches for it within 50 km of Notre-Dame and sees what is left."""
    query = {
        "query": f"aurora {journey.mark}",
        "center.latitude": 48.853,
        "center.longitude": 2.3499,
        "radiusMeters": 50_000,
    }

    def look() -> bool | None:
        hits = journey.api.get("/v1/events:search", query=query)["hits"]
        return True if any(hit["event"] == journey.event for hit in hits) else None

    eventually(look, seconds=PROJECTION_SECONDS, what="the published event in the search")
    _wait_until_on_sale(journey)


def places_are_held(journey: Journey) -> None:
    """He books; the places are his until the hold expires."""
    body = {"lines": [{"ticketType": journey.ticket_type, "quantity": journey.quantity}]}
    journey.booking = journey.api.post(
        f"/v1/{journey.event}/bookings", body, token=journey.buyer_token, query={"requestId": fresh_id()}
    )


def first_card_is_declined(journey: Journey) -> None:
    """He starts to pay exactly what the booking owes; his first card is declined, which is no error."""
    journey.payment = journey.api.post(
        "/v1/payments",
        {"booking": journey.booking["name"]},
        token=journey.buyer_token,
        query={"requestId": fresh_id(), "preferredGateway": "stripe"},  # whose test cards are used
    )
    journey.payment = _pay(journey, "pm_card_chargeDeclined")


def second_card_pays(journey: Journey) -> None:
    """His second card pays; the payment confirms the booking, and tickets are issued."""
    journey.payment = _pay(journey, "pm_card_visa")
    path = f"/v1/{journey.booking['name']}"

    def look() -> Document | None:
        booking: Document = journey.api.get(path, token=journey.buyer_token)
        return booking if booking["state"] == "BOOKING_STATE_CONFIRMED" else None

    journey.booking = eventually(look, seconds=PROJECTION_SECONDS, what="the confirmation of the booking")


def tickets_are_mailed(journey: Journey) -> None:
    """The tickets reach him by mail, with calendar entry and QR code; the API has the same code as an image."""
    email = journey.buyer.email if journey.buyer else ""
    journey.ticket_mail = wait_for_mail(journey.mail, to=email, having=lambda each: "event.ics" in each.attachments)
    ticket = journey.booking["tickets"][0]["name"]
    journey.api.get(f"/v1/{ticket}:qrCode", token=journey.buyer_token)


def bearer_is_admitted_once(journey: Journey) -> None:
    """At the gate the first ticket is checked in; the same code a second time is refused."""
    code = journey.booking["tickets"][0]["code"]
    path, token = f"/v1/{journey.event}:checkIn", journey.owner_token
    journey.api.post(path, {"code": code, "requestId": fresh_id()}, token=token)
    try:
        journey.api.post(path, {"code": code, "requestId": fresh_id()}, token=token)
    except ApiRefusal as refusal:
        if refusal.reason != "TICKET_CHECKED_IN":
            raise
    else:
        raise AssertionError("one ticket admitted two people")


def sales_are_counted(journey: Journey) -> None:
    """Olga's figures count the sale to the cent and the admission, in her own time zone."""
    path = f"/v1/{journey.organizer}/sales:query"
    query = {"groupBy": ["DIMENSION_DAY", "DIMENSION_EVENT", "DIMENSION_TICKET_TYPE"]}

    def look() -> Document | None:
        sales: Document = journey.api.get(path, token=journey.owner_token, query=query)
        totals = sales["totals"]
        return sales if totals and (totals[0]["ticketsSold"], totals[0]["ticketsCheckedIn"]) == expected else None

    expected = (str(journey.quantity), "1")
    journey.sales = eventually(look, seconds=PROJECTION_SECONDS, what="the sale in the figures")


STEPS: tuple[Step, ...] = (
    owner_registers,
    organizer_is_founded,
    event_is_published,
    buyer_registers,
    event_is_found,
    places_are_held,
    first_card_is_declined,
    second_card_pays,
    tickets_are_mailed,
    bearer_is_admitted_once,
    sales_are_counted,
)


def _wait_until_on_sale(journey: Journey) -> None:
    path = f"/v1/{journey.event}/availability"

    def look() -> Any | None:
        try:
            availability = journey.api.get(path)
        except ApiRefusal as refusal:
            if refusal.status != 404:
                raise
            return None
        return availability if availability["bookable"] else None

    eventually(look, seconds=PROJECTION_SECONDS, what="the event on sale")


def _pay(journey: Journey, payment_method: str) -> Document:
    body = {"paymentMethod": payment_method, "requestId": fresh_id()}
    payment: Document = journey.api.post(f"/v1/{journey.payment['name']}:confirm", body, token=journey.buyer_token)
    return payment


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
