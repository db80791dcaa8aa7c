"""Bookings, offers and inventories as MongoDB documents and back."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from booking_service.domain.booking import Booking, Line, Ticket
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer, OfferedType, OfferState
from booking_service.domain.states import BookingState, TicketState
from domain_kit.money import Money

BOOKINGS = "bookings"
INVENTORY = "inventory"
OFFERS = "offers"

Document = dict[str, Any]


def booking_to_document(booking: Booking) -> Document:
    """`_id` is the name; tickets are kept by id, the rest of their name is the booking's."""
    return {
        "_id": booking.name,
        "version": booking.version,
        "event": booking.event,
        "organizer": booking.organizer,
        "buyer": booking.buyer,
        "state": booking.state.value,
        "lines": [_line_to_document(line) for line in booking.lines],
        "total": money_to_document(booking.total),
        "create_time": booking.create_time,
        "update_time": booking.update_time,
        "hold_expire_time": booking.hold_expire_time,
        "payment": booking.payment,
        "tickets": [_ticket_to_document(ticket) for ticket in booking.tickets],
        "confirm_time": booking.confirm_time,
        "cancel_time": booking.cancel_time,
        "cancel_reason": booking.cancel_reason,
        "unclaimed": list(booking.unclaimed),
    }


def booking_from_document(document: Mapping[str, Any]) -> Booking:
    """The reverse."""
    name = document["_id"]
    return Booking(
        name=name,
        version=document["version"],
        event=document["event"],
        organizer=document["organizer"],
        buyer=document["buyer"],
        state=BookingState(document["state"]),
        lines=tuple(_line_from_document(line) for line in document["lines"]),
        total=money_from_document(document["total"]),
        create_time=document["create_time"],
        update_time=document["update_time"],
        hold_expire_time=document["hold_expire_time"],
        payment=document["payment"],
        tickets=tuple(_ticket_from_document(name, ticket) for ticket in document["tickets"]),
        confirm_time=document["confirm_time"],
        cancel_time=document["cancel_time"],
        cancel_reason=document["cancel_reason"],
        unclaimed=tuple(document["unclaimed"]),
    )


def offer_to_document(offer: Offer) -> Document:
    """`_id` is the event."""
    plain = {field.name: getattr(offer, field.name) for field in fields(Offer) if field.name != "event"}
    return plain | {
        "_id": offer.event,
        "state": offer.state.value,
        "ticket_types": [_type_to_document(each) for each in offer.ticket_types],
        "capacities": dict(offer.capacities),
    }


def offer_from_document(document: Mapping[str, Any]) -> Offer:
    """The reverse."""
    plain = {field.name: document[field.name] for field in fields(Offer) if field.name in document}
    return Offer(
        **plain
        | {
            "event": document["_id"],
            "state": OfferState(document["state"]),
            "ticket_types": tuple(_type_from_document(each) for each in document["ticket_types"]),
            "location": tuple(document["location"]) if document.get("location") else None,
        }
    )


def inventory_to_document(inventory: Inventory, offer_version: int, at: Any) -> Document:
    """`_id` is the event. offer_version: which offer it goes with. at: when it changed."""
    return {
        "_id": inventory.event,
        "version": inventory.version,
        "taken": dict(inventory.taken),
        "offer_version": offer_version,
        "at": at,
    }


def inventory_from_document(document: Mapping[str, Any]) -> Inventory:
    """The reverse; `offer_version` and `at` stay behind."""
    return Inventory(document["_id"], document["taken"], document["version"])


def money_to_document(money: Money) -> list[Any]:
    """[minor units, currency]."""
    return [money.minor_units, money.currency]


def money_from_document(pair: list[Any]) -> Money:
    """The reverse."""
    return Money(*pair)


def _line_to_document(line: Line) -> Document:
    return {
        "ticket_type": line.ticket_type,
        "quantity": line.quantity,
        "display_name": line.display_name,
        "unit_price": money_to_document(line.unit_price),
        "pools": list(line.pools),
    }


def _line_from_document(document: Mapping[str, Any]) -> Line:
    price = money_from_document(document["unit_price"])
    return Line(
        document["ticket_type"], document["quantity"], document["display_name"], price, tuple(document["pools"])
    )


def _ticket_to_document(ticket: Ticket) -> Document:
    return {
        "id": ticket.name.rpartition("/")[2],
        "ticket_type": ticket.ticket_type,
        "display_name": ticket.display_name,
        "code": ticket.code,
        "state": ticket.state.value,
        "check_in_time": ticket.check_in_time,
    }


def _ticket_from_document(booking: str, document: Mapping[str, Any]) -> Ticket:
    return Ticket(
        name=f"{booking}/tickets/{document['id']}",
        ticket_type=document["ticket_type"],
        display_name=document["display_name"],
        code=document["code"],
        state=TicketState(document["state"]),
        check_in_time=document["check_in_time"],
    )


def _type_to_document(kind: OfferedType) -> Document:
    plain = {field.name: getattr(kind, field.name) for field in fields(OfferedType)}
    return plain | {"price": money_to_document(kind.price), "pools": list(kind.pools)}


def _type_from_document(document: Mapping[str, Any]) -> OfferedType:
    return OfferedType(
        **dict(document) | {"price": money_from_document(document["price"]), "pools": tuple(document["pools"])}
    )
