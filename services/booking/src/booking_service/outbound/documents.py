"""Records, offers and inventories as MongoDB documents and back.

A document is the record field by field, its name as `_id`; msgspec does it by the types of the dataclasses, and a field
that a stored document does not have yet gets its default.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from booking_service.domain.agenda import Agenda
from booking_service.domain.attendee_import import AttendeeImport, ImportChunk
from booking_service.domain.booking import Booking
from booking_service.domain.check_in_list import CheckInList
from booking_service.domain.commands.vouchers import VoucherBatch
from booking_service.domain.inventory import Inventory
from booking_service.domain.list_tally import ListTally
from booking_service.domain.offer import Offer
from booking_service.domain.people import Person
from booking_service.domain.records import Record
from booking_service.domain.resale_offer import ResaleBatch, ResaleOffer
from booking_service.domain.scans import TicketScans
from booking_service.domain.taken_seats import TakenSeats
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from booking_service.domain.waiting_entry import Waiter, WaitingEntry
from domain_kit.money import Money

BOOKINGS = "bookings"
CHECK_IN_LISTS, LIST_TALLIES, TICKET_SCANS = "check_in_lists", "list_tallies", "ticket_scans"
INVENTORY = "inventory"
AGENDA = "agenda"  # what is to be done for an event at a time; an inventory changes too often for an index
OFFERS = "offers"
PEOPLE = "people"
TAKEN_SEATS = "taken_seats"
VOUCHERS = "vouchers"
VOUCHER_USES = "voucher_uses"
IMPORTS, IMPORT_CHUNKS = "imports", "import_chunks"
WAITING_ENTRIES = "waiting_list_entries"
WAITERS = "waiters"
RESALE_OFFERS = "resale_offers"

Document = dict[str, Any]
R = TypeVar("R", bound=Record)
_KEPT = (datetime, bytes)  # BSON has these itself


@dataclass(frozen=True, slots=True)
class Kind(Generic[R]):
    """A kind of record and the collection it is kept in. named: its name is a field, not worked out of others.

    sparse: fields that have their defaults are left out, which a database is quicker to store; no query asks for them.
    """

    record: type[R]
    collection: str
    named: bool = True
    sparse: bool = False

    def to_document(self, record: R) -> Document:
        """`_id` is the name."""
        document: Document = msgspec.to_builtins(record, builtin_types=_KEPT, str_keys=True)
        document["_id"] = document.pop("name") if self.named else record.name
        if self.sparse:
            for field, default in _defaults_of(self.record):
                if document[field] == default:
                    del document[field]
        return document

    def from_document(self, document: Mapping[str, Any]) -> R:
        """The reverse."""
        plain = {**document, "name": document["_id"]} if self.named else document
        return msgspec.convert(plain, self.record, builtin_types=_KEPT)


@cache
def _defaults_of(record: type[Any]) -> tuple[tuple[str, Any], ...]:
    """Fields of a record that need not be given, with what they are then; but for the version, which guards ask for."""
    plain = [(each.name, msgspec.to_builtins(each.default, builtin_types=_KEPT)) for each in fields(record)
             if each.default is not MISSING and each.name != "version"]  # fmt: skip
    return tuple(plain)


KINDS: tuple[Kind[Any], ...] = (
    Kind(Booking, BOOKINGS, sparse=True),
    Kind(Person, PEOPLE, named=False),
    Kind(TakenSeats, TAKEN_SEATS, named=False),
    Kind(Voucher, VOUCHERS),
    Kind(VoucherUse, VOUCHER_USES, named=False),
    Kind(VoucherBatch, "voucher_batches"),  # in answers only
    Kind(CheckInList, CHECK_IN_LISTS),
    Kind(ListTally, LIST_TALLIES),
    Kind(TicketScans, TICKET_SCANS),
    Kind(AttendeeImport, IMPORTS),
    Kind(ImportChunk, IMPORT_CHUNKS),
    Kind(WaitingEntry, WAITING_ENTRIES),
    Kind(Waiter, WAITERS, named=False),
    Kind(ResaleOffer, RESALE_OFFERS),
    Kind(ResaleBatch, "resale_batches"),  # in answers only
)
KIND_OF: Mapping[type[Any], Kind[Any]] = {kind.record: kind for kind in KINDS}
_BY_COLLECTION = {kind.collection: kind for kind in KINDS}


def booking_to_document(booking: Booking) -> Document:
    """`_id` is the name."""
    return KIND_OF[Booking].to_document(booking)


def booking_from_document(document: Mapping[str, Any]) -> Booking:
    """The reverse."""
    booking: Booking = KIND_OF[Booking].from_document(document)
    return booking


def answer_to_document(answer: Record, document: Document | None = None) -> Document:
    """What a caller was told, for repeats of its request. document: of the record, where there is one already."""
    kind = KIND_OF[type(answer)]
    return {kind.collection: kind.to_document(answer) if document is None else document}


def answer_from_document(document: Mapping[str, Any]) -> Record | None:
    """The reverse; None for an answer without a record."""
    for collection, stored in document.items():
        record: Record = _BY_COLLECTION[collection].from_document(stored)
        return record
    return None


def offer_to_document(offer: Offer) -> Document:
    """`_id` is the event."""
    document: Document = msgspec.to_builtins(offer, builtin_types=_KEPT, str_keys=True)
    document["_id"] = document.pop("event")
    if not offer.former_refunds:
        del document["former_refunds"]
    return document


def offer_from_document(document: Mapping[str, Any]) -> Offer:
    """The reverse."""
    return msgspec.convert({**document, "event": document["_id"]}, Offer, builtin_types=_KEPT)


def agenda_to_document(event: str, agenda: Agenda) -> Document:
    """`_id` is the event."""
    return {"_id": event, "close_due": agenda.close_due, "look_at": agenda.look_at, "count_due": agenda.count_due}


def inventory_to_document(inventory: Inventory, offer_version: int, at: datetime) -> Document:
    """`_id` is the event. offer_version: which offer it goes with. at: when it changed.

    Left out is what few events have, since a commit over many events replaces as many inventories.
    """
    rare = {
        "seats": dict(inventory.seats),
        "closed": inventory.closed,
        "waiting": dict(inventory.waiting),
        "arrivals": inventory.arrivals,
        "reordered": inventory.reordered,
        "resale": {key: list(ids) for key, ids in inventory.resale.items()},
        "sorts": dict(inventory.sorts),
        "kept": dict(inventory.kept),
        "partial": dict(inventory.partial),
        "drawn": {key: list(pools) for key, pools in inventory.drawn.items()},
        "count_due": inventory.count_due,
    }
    return {
        "_id": inventory.event,
        "version": inventory.version,
        "taken": dict(inventory.taken),
        "sold": dict(inventory.sold),
        **{field: value for field, value in rare.items() if value},
        "offer_version": offer_version,
        "at": at,
    }


def inventory_from_document(document: Mapping[str, Any]) -> Inventory:
    """The reverse; `offer_version` and `at` stay behind."""
    counts = document.get("sold", {}), document.get("seats", {})
    return Inventory(
        document["_id"],
        document["taken"],
        document["version"],
        *counts,
        document.get("closed"),
        waiting=document.get("waiting", {}),
        arrivals=document.get("arrivals", 0),
        reordered=document.get("reordered", 0),
        resale={key: tuple(ids) for key, ids in document.get("resale", {}).items()},
        sorts=document.get("sorts", {}),
        kept=document.get("kept", {}),
        partial=document.get("partial", {}),
        drawn={key: tuple(pools) for key, pools in document.get("drawn", {}).items()},
        count_due=document.get("count_due"),
    )


def money_to_document(money: Money) -> list[Any]:
    """[minor units, currency]."""
    return [money.minor_units, money.currency]


def money_from_document(pair: list[Any]) -> Money:
    """The reverse."""
    return Money(*pair)
