"""The sources as MongoDB documents and back; the store adds `_id` and `version`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain_kit.money import Money
from search_service.domain.listing import Availability, Details, EventState, Offer, Place


def event_document(event: EventState) -> dict[str, Any]:
    """The document of an event; what is not public is not kept at all."""
    details = event.details
    if details is None:
        return {"details": None}
    offers = [{"ticket_type": each.ticket_type, **asdict(each.price)} for each in details.offers]
    return {"details": {**asdict(details), "tags": list(details.tags), "offers": offers}}


def event_of(document: Mapping[str, Any]) -> EventState:
    """The event of a document."""
    details = document["details"]
    return EventState(document["_id"], document["version"], None if details is None else _details(details))


def availability_document(availability: Availability) -> dict[str, Any]:
    """The document of an availability."""
    prices = [{"ticket_type": ticket_type, **asdict(price)} for ticket_type, price in availability.prices.items()]
    return {"bookable": availability.bookable, "ended": sorted(availability.ended), "prices": prices}


def availability_of(document: Mapping[str, Any]) -> Availability:
    """The availability of a document."""
    prices = {  # those kept before there were any have none
        each["ticket_type"]: Money(each["minor_units"], each["currency"]) for each in document.get("prices", ())
    }
    return Availability(
        document["_id"], document["version"], document["bookable"], frozenset(document["ended"]), prices
    )  # fmt: skip


def _details(document: Mapping[str, Any]) -> Details:
    offers = tuple(
        Offer(each["ticket_type"], Money(each["minor_units"], each["currency"])) for each in document["offers"]
    )
    return Details(
        **{**document, "place": Place(**document["place"]), "tags": tuple(document["tags"]), "offers": offers}
    )
