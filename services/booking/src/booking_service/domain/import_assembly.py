"""Rows of a file become orders, or are told to be wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from booking_service.domain.answers import MOST_BYTES, answer_problems, attendee_problems, bytes_of, is_email, types_of
from booking_service.domain.attendee_import import (
    MOST_OF_AN_ORDER,
    ImportedOrder,
    ImportedTicket,
    ImportRow,
    RowProblem,
    named,
)
from booking_service.domain.booking import Line
from booking_service.domain.commands.group import free_lines, require_open
from booking_service.domain.contacts import NOBODY, Contact
from booking_service.domain.offer import Offer
from booking_service.domain.questions import Answer, Attendee
from booking_service.domain.seat_counts import seats_needed
from booking_service.domain.seating import plan_of, split_seat
from booking_service.domain.selling import Wanted
from domain_kit.refusals import FieldViolation, Refusal

_TYPE, _DATE = "ticket_type", "date"
_FIELDS = {"RESOURCE_NOT_FOUND": (_TYPE, "TICKET_TYPE_UNKNOWN")}


@dataclass(slots=True)
class _Order:
    booking: str
    buyer: str = ""
    contact: Contact = NOBODY
    tickets: list[ImportedTicket] = field(default_factory=list)
    answers: tuple[Answer, ...] = ()
    size: int = 0


class Assembly:
    """Takes rows one by one. new_name: of a booking.

    FailedPrecondition EVENT_CANCELLED, EVENT_NOT_ON_SALE, SALE_ENDED when made for an event that is not sold.
    """

    def __init__(self, offer: Offer, new_name: Callable[[], str], now: datetime) -> None:
        require_open(offer, now)
        self._offer, self._new_name, self._now = offer, new_name, now
        self.templates: list[Line] = []
        self._template_of: dict[tuple[str, str], int | tuple[str, str, str]] = {}
        self._orders: dict[object, _Order] = {}
        self._row_of_seat: dict[tuple[str, str], int] = {}

    def add(self, row: ImportRow) -> list[RowProblem]:
        """All that is wrong with the row; nothing when it will be booked."""
        template = self._template(row)
        if not isinstance(template, int):
            return [RowProblem(row.number, *template)]
        line = self.templates[template]
        problems = [
            RowProblem(row.number, named(each.field, row.names), "ANSWER_INVALID", each.description)
            for each in self._wrong(row, line)
        ]
        problems += self._wrong_seat(row)
        order = self._orders.get(row.order or row.number)
        if order is None:
            order = self._orders[row.order or row.number] = _Order(self._new_name())
        if len(order.tickets) == MOST_OF_AN_ORDER:
            what = f"has more than {MOST_OF_AN_ORDER} tickets."
            problems.append(RowProblem(row.number, "order", "ORDER_TOO_LARGE", what))
            return problems
        order.tickets.append(ImportedTicket(template, row.attendee, (row.seat,) if row.seat else ()))
        order.buyer = order.buyer or row.buyer
        order.contact = row.contact if order.contact == NOBODY else order.contact
        order.answers = order.answers or row.booking_answers
        order.size += bytes_of((), [row.attendee])
        if order.size + bytes_of(order.answers, ()) > MOST_BYTES:
            what = f"has more than {MOST_BYTES} bytes of names, addresses and answers."
            problems.append(RowProblem(row.number, "order" if row.order else "", "DETAILS_TOO_LONG", what))
        return problems

    def orders(self) -> list[ImportedOrder]:
        """In order of their first rows."""
        return [
            ImportedOrder(
                each.booking, each.buyer, NOBODY if each.buyer else _contact(each), tuple(each.tickets), each.answers
            )
            for each in self._orders.values()
        ]

    def _template(self, row: ImportRow) -> int | tuple[str, str, str]:
        """Which template the row is like; else field, reason and what would be right."""
        key = (row.ticket_type, row.date)
        if key not in self._template_of:
            try:
                self.templates += free_lines(self._offer, [Wanted(row.ticket_type, 1, row.date)], self._now)
                self._template_of[key] = len(self.templates) - 1
            except Refusal as refusal:
                self._template_of[key] = self._problem(row, refusal)
        return self._template_of[key]

    @staticmethod
    def _problem(row: ImportRow, refusal: Refusal) -> tuple[str, str, str]:
        if refusal.metadata.get("resource") == row.date != "":
            return _DATE, "DATE_UNKNOWN", "is no date of this event."
        where, reason = _FIELDS.get(refusal.reason, (_DATE, refusal.reason))
        return where, reason, refusal.message

    def _wrong(self, row: ImportRow, line: Line) -> Iterator[FieldViolation]:
        types = types_of(line)
        yield from attendee_problems(self._offer, types, row.attendee, "attendee")
        if row.contact.email and not is_email(row.contact.email):
            yield FieldViolation("contact.email", "must be a mail address.")
        yield from answer_problems(self._offer, types, row.booking_answers, "booking_answers", per_ticket=False)

    def _wrong_seat(self, row: ImportRow) -> Iterator[RowProblem]:
        """What is wrong with the seat that it names, whoever has it."""
        if not row.seat:
            return
        needed = seats_needed(self._offer, row.ticket_type)
        section, label, seat = split_seat(row.seat)
        found = plan_of(self._offer.sections).get(section)
        if len(needed) != 1:
            reason, what = "SEATS_NOT_OFFERED", "cannot be chosen for this type."
        elif section not in needed[0] or found is None or not found.has(label, seat):
            reason, what = "SEAT_UNKNOWN", "is no seat of this type."
        else:
            first = self._row_of_seat.setdefault((row.date, row.seat), row.number)
            if first == row.number:
                return
            reason, what = "SEAT_TAKEN", f"is taken by line {first}."
        yield RowProblem(row.number, named("seat", row.names), reason, what)


def _contact(order: _Order) -> Contact:
    if order.contact != NOBODY:
        return order.contact
    first: Attendee = next((each.attendee for each in order.tickets if each.attendee.email), order.tickets[0].attendee)
    return Contact(first.display_name, first.email)
