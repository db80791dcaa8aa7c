"""One pass over a batch: each command decided in order of arrival on a working copy, and what there is to write."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from booking_service.domain.agenda import agenda_of
from booking_service.domain.booking import Booking
from booking_service.domain.commands.following import decided
from booking_service.domain.domain_events import PaymentUnclaimed
from booking_service.domain.history import Change, extended
from booking_service.domain.memory import Memory
from booking_service.domain.outcome import Outcome, Step
from booking_service.domain.records import Key, NotAsked, Record, View, key_of
from booking_service.domain.stock import Stock
from booking_service.outbound.documents import (
    AGENDA,
    INVENTORY,
    KIND_OF,
    OFFERS,
    Document,
    agenda_to_document,
    answer_to_document,
    inventory_to_document,
    offer_to_document,
)
from booking_service.outbound.domain_events import encode, type_of
from booking_service.outbound.lanes import Waiting
from domain_kit.trails import BEGINNING, Trail, followed
from mongo_store import Check, Insert, JournalRow, Put, Replace, VersionedEvent, Write
from resource_api import check_etag

Records = Mapping[Key, Record | None]


@dataclass(slots=True)
class Plan:
    """What a batch comes to. accepted: with what each caller gets. refused: with the reason.

    postponed: they need other records since an earlier command of the batch changed the stock, as another seating plan
    does; to be asked again after the commit. stocks, records: as they will be after it; of records only those that
    change. idle: some command changes nothing. unclaimed: accepted ones whose money is turned away, with the reason.
    """

    accepted: list[tuple[Waiting, Record | None]] = field(default_factory=list)
    refused: list[tuple[Waiting, Exception]] = field(default_factory=list)
    postponed: list[Waiting] = field(default_factory=list)
    rows: list[JournalRow] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    stocks: dict[str, Stock] = field(default_factory=dict)
    changed: list[Stock] = field(default_factory=list)
    records: dict[Key, Record] = field(default_factory=dict)
    idle: bool = False
    unclaimed: list[tuple[Waiting, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Changes:
    """What one command changes: records with the versions they will have, documents of aggregates, domain events."""

    records: dict[Key, Record] = field(default_factory=dict)
    documents: dict[Key, Document] = field(default_factory=dict)
    events: list[VersionedEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Decision:
    """What becomes of one command; row: None where there is nothing to write. idle: it changes nothing."""

    outcome: Outcome
    answer: Record | None
    row: JournalRow | None = None
    changes: _Changes = field(default_factory=_Changes)
    idle: bool = False


def decide_all(
    batch: Sequence[Waiting],
    stocks: Mapping[str, Stock],
    records: Records,
    now: datetime,
    remembered: Collection[str | Key] = (),
) -> Plan:
    """INVARIANT: a refusal changes nothing for the commands after it, and one command's error is its own."""
    deciding = Deciding(stocks, records, now, remembered)
    for waiting in batch:
        deciding.add(waiting)
    return deciding.finish()


class Deciding:
    """A batch in the making. stocks, records: as they are before it. remembered: events and keys of those that were not
    read for it, so that the commit has to check them.
    """

    def __init__(
        self, stocks: Mapping[str, Stock], records: Records, now: datetime, remembered: Collection[str | Key] = ()
    ) -> None:
        self.stocks, self.records = dict(stocks), dict(records)
        self._plan, self._working, self._now = Plan(stocks=dict(stocks)), dict(records), now
        self._documents: dict[Key, Document] = {}
        self._remembered, self._relied_on = set(remembered), set[str]()

    def know(self, stocks: Mapping[str, Stock], records: Records) -> None:
        """More of what was there before the batch, remembered."""
        if not stocks and not records:
            return
        self.stocks.update(stocks)
        self.records.update(records)
        self._plan.stocks.update(stocks)
        self._working.update(records)
        self._remembered.update(stocks, records)

    def add(self, waiting: Waiting) -> None:
        """Decide the next command."""
        plan, event = self._plan, waiting.command.event
        try:
            decision = self._decide(waiting)
        except NotAsked as error:
            if plan.stocks[event] is self.stocks[event]:
                plan.refused.append((waiting, error))
            else:
                plan.postponed.append(waiting)
        except Exception as error:  # noqa: BLE001  # a refusal, or a fault, which must not fail its neighbours
            plan.refused.append((waiting, error))
        else:
            self._accept(waiting, decision)

    def add_if_written(self, waiting: Waiting) -> bool:
        """The same for a command that changes something; False, and nothing is as if it was asked, for any other."""
        try:
            decision = self._decide(waiting)
        except Exception:  # noqa: BLE001  # it is decided again where refusals are told
            return False
        if decision.idle or _turned_away(decision.outcome):
            return False
        self._accept(waiting, decision)
        return True

    def finish(self) -> Plan:
        """What it comes to."""
        _write_records(self._plan, self.records, self._documents)
        _write_stocks(self._plan, self.stocks, self._now)
        self._check_what_is_left()
        return self._plan

    def _check_what_is_left(self) -> None:
        """INVARIANT: what was decided on something remembered is committed only where that is still so."""
        plan, changed = self._plan, {stock.event for stock in self._plan.changed}
        for event in sorted((self._relied_on - changed).intersection(self._remembered)):
            plan.writes.append(Check(INVENTORY, event, self.stocks[event].inventory.version))
        for key, record in self.records.items():
            if record is not None and record.memory is Memory.OR_READ and key in self._remembered - plan.records.keys():
                plan.writes.append(Check(KIND_OF[key[0]].collection, record.name, record.version))

    def _decide(self, waiting: Waiting) -> "_Decision":
        """What becomes of it; nothing is changed yet."""
        command = waiting.command
        stock, subject = self._plan.stocks[command.event], command.subject
        before = None if subject is None else self._working.get(subject)
        if before is not None:
            check_etag(command.etag, before.version)
        outcome = decided(command, View(stock, self._working), self._now)
        idle = not outcome.steps and not outcome.tallies and outcome.stock is stock
        if idle and not command.recorded:
            return _Decision(outcome, outcome.answer, idle=True)
        changes = _changes(outcome, self._working, waiting.cause.actor, self._now)
        row, answer = _row(waiting, outcome, changes)
        return _Decision(outcome, answer, row, changes, idle)

    def _accept(self, waiting: Waiting, decision: "_Decision") -> None:
        plan, changes = self._plan, decision.changes
        plan.accepted.append((waiting, decision.answer))
        plan.idle = plan.idle or decision.idle
        if reason := _turned_away(decision.outcome):
            plan.unclaimed.append((waiting, reason))
        if decision.row is None:
            return
        self._relied_on.add(waiting.command.event)
        plan.stocks[waiting.command.event] = decision.outcome.stock
        plan.rows.append(decision.row)
        plan.records.update(changes.records)
        self._working.update(changes.records)
        self._documents.update(changes.documents)


def _turned_away(outcome: Outcome) -> str:
    """Why money is not taken; empty where none is turned away."""
    return next((step.happened.reason for step in outcome.steps if isinstance(step.happened, PaymentUnclaimed)), "")


def _changes(outcome: Outcome, working: Records, actor: str, now: datetime) -> _Changes:
    changes = _Changes()
    for step in outcome.steps:
        key = key_of(step.record)
        former: Any = changes.records.get(key) or working.get(key)
        version, trail = (1, BEGINNING) if former is None else (former.version + 1, former.trail)
        record = _after(step, former, version, followed(trail, type_of(step.happened), version), actor, now)
        changes.events.append(VersionedEvent(encode(step.happened, record), record.name, version, trail))
        changes.records[key] = record
    changes.documents = {key: KIND_OF[key[0]].to_document(record) for key, record in changes.records.items()}
    for tally in outcome.tallies:
        former = working.get(key_of(tally))
        changed: Any = tally
        changes.records[key_of(tally)] = replace(changed, version=1 if former is None else former.version + 1)
    return changes


def _after(step: Step, former: Record | None, version: int, trail: Trail, actor: str, now: datetime) -> Record:
    """With its version and trail; a booking remembers the change as well."""
    if isinstance(step.record, Booking):
        history = former.history if isinstance(former, Booking) else ()
        reason = getattr(step.happened, "reason", "")
        change = Change(now, actor, type(step.happened).__name__, step.record.state, reason)
        return replace(step.record, version=version, trail=trail, history=extended(history, change))
    changed: Any = step.record
    record: Record = replace(changed, version=version, trail=trail)
    return record


def _row(waiting: Waiting, outcome: Outcome, changes: _Changes) -> tuple[JournalRow, Record | None]:
    """The row to write, and what the caller gets."""
    answer = outcome.answer
    if answer is None:
        subject = changes.events[0].subject if changes.events else waiting.command.event
        return JournalRow(waiting.cause, subject, changes.events), None
    key = key_of(answer)
    answer = changes.records.get(key, answer)
    document = answer_to_document(answer, changes.documents.get(key))
    return JournalRow(waiting.cause, answer.name, changes.events, document), answer


def _write_records(plan: Plan, before: Records, documents: Mapping[Key, Document]) -> None:
    """Of a tally that many commands change, such as the seats of a section, one document is made for all."""
    for key, record in plan.records.items():
        former, kind = before.get(key), KIND_OF[key[0]]
        document, collection = documents.get(key) or kind.to_document(record), kind.collection
        if former is None or not former.version:
            plan.writes.append(Insert(collection, document))
        else:
            plan.writes.append(Replace(collection, document, former.version))


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
        if (agenda := agenda_of(after, now)) != agenda_of(before[event], now):
            plan.writes.append(Put(AGENDA, agenda_to_document(event, agenda)))
        plan.stocks[event] = after
        plan.changed.append(after)
