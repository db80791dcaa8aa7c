"""One pass over a batch: each command decided in order of arrival on a working copy, and what there is to write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from booking_service.domain.booking import Booking
from booking_service.domain.stock import Outcome, Stock
from booking_service.outbound.documents import (
    BOOKINGS,
    INVENTORY,
    OFFERS,
    booking_to_document,
    inventory_to_document,
    offer_to_document,
)
from booking_service.outbound.domain_events import encode
from booking_service.outbound.lanes import Waiting
from domain_kit.refusals import Refusal
from domain_kit.trails import BEGINNING, followed
from mongo_store import Insert, JournalRow, Put, Replace, VersionedEvent, Write
from resource_api import check_etag


@dataclass(slots=True)
class Plan:
    """What a batch comes to. accepted: with the booking each caller gets. refused: with the reason.

    stocks, bookings: as they will be after the commit.
    """

    accepted: list[tuple[Waiting, Booking | None]] = field(default_factory=list)
    refused: list[tuple[Waiting, Exception]] = field(default_factory=list)
    rows: list[JournalRow] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    stocks: dict[str, Stock] = field(default_factory=dict)
    changed: list[Stock] = field(default_factory=list)


def decide_all(
    batch: Sequence[Waiting], stocks: Mapping[str, Stock], bookings: Mapping[str, Booking], now: datetime
) -> Plan:
    """INVARIANT: a refusal changes nothing for the commands after it, and one command's error is its own."""
    plan = Plan(stocks=dict(stocks))
    current = dict(bookings)
    documents: dict[str, dict[str, Any]] = {}
    for waiting in batch:
        command = waiting.command
        stock, before = plan.stocks[command.event], current.get(command.booking)
        try:
            if before is not None:
                check_etag(command.etag, before.version)
            outcome = command.decide(stock, before, now)
            if not outcome.steps and outcome.stock is stock and not command.recorded:
                plan.accepted.append((waiting, before))
                continue
            row, after = _journal_row(waiting, outcome, before, documents)
        except Refusal as refusal:
            plan.refused.append((waiting, refusal))
            continue
        except Exception as error:  # noqa: BLE001  # a fault in one command must not fail its neighbours
            plan.refused.append((waiting, error))
            continue
        plan.accepted.append((waiting, after))
        plan.stocks[command.event] = outcome.stock
        if after is not None:
            current[after.name] = after
        plan.rows.append(row)
    _write_bookings(plan, bookings, current, documents)
    _write_stocks(plan, stocks, now)
    return plan


def _journal_row(
    waiting: Waiting, outcome: Outcome, before: Booking | None, documents: dict[str, dict[str, Any]]
) -> tuple[JournalRow, Booking | None]:
    """The row to write, and the booking with the version it will have."""
    command, after = waiting.command, outcome.booking
    version, trail = (0, BEGINNING) if before is None else (before.version, before.trail)
    events = []
    for number, step in enumerate(outcome.steps, version + 1):
        told = encode(step.happened, replace(step.booking, version=number))
        events.append(VersionedEvent(told, step.booking.name, number, trail))
        trail = followed(trail, told.type, number)
        after = replace(step.booking, version=number, trail=trail)
    if after is None:
        return JournalRow(waiting.cause, command.event), None
    document = booking_to_document(after)
    if events:
        documents[after.name] = document
    return JournalRow(waiting.cause, after.name, events, document), after


def _write_bookings(
    plan: Plan,
    before: Mapping[str, Booking],
    current: Mapping[str, Booking],
    documents: Mapping[str, dict[str, Any]],
) -> None:
    for name, document in documents.items():
        if name not in before:
            plan.writes.append(Insert(BOOKINGS, document))
        elif current[name].version != before[name].version:
            plan.writes.append(Replace(BOOKINGS, document, before[name].version))


def _write_stocks(plan: Plan, before: Mapping[str, Stock], now: datetime) -> None:
    """One guarded inventory a changed event, and its offer where that is new."""
    for event, stock in plan.stocks.items():
        if stock is before[event]:
            continue
        offer, version = stock.known_offer(), before[event].inventory.version
        after = stock.holding(replace(stock.inventory, version=version + 1))
        document = inventory_to_document(after.inventory, offer.version, now)
        plan.writes.append(Replace(INVENTORY, document, version) if version else Insert(INVENTORY, document))
        if offer is not before[event].offer:
            plan.writes.append(Put(OFFERS, offer_to_document(offer)))
        plan.stocks[event] = after
        plan.changed.append(after)
