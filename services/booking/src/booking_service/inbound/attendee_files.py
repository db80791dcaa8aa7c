"""Bookings as the rows of a file: CSV for spreadsheets, JSON Lines for programs."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from booking_service.domain.booking import GONE, Booking, Line, Ticket, plain
from booking_service.domain.offer import Offer
from booking_service.domain.pricing.breakdown import UnitPrice
from booking_service.domain.questions import UNKNOWN, Answer, Attendee
from domain_kit.money import Money

COLUMNS = (
    "booking", "booking_state", "buyer", "buyer_name", "buyer_email", "create_time", "confirm_time", "ticket",
    "ticket_state", "check_in_time", "check_out_time", "ticket_type", "ticket_type_name", "date", "seat",
    "attendee_name", "attendee_email", "currency", "list_price", "discount", "fee", "tax", "price", "voucher_codes",
)  # fmt: skip
OTHER = "other_answers"
BYTE_ORDER_MARK = "\ufeff"
# What spreadsheets take for the beginning of a formula (OWASP, CSV Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Row = dict[str, Any]


def rows_of(booking: Booking) -> Iterator[Row]:
    """A row a ticket, issued or to be; `answers`: question name → text."""
    units = [list(line.priced().units()) for line in booking.lines]
    shared, nothing = _of_booking(booking), plain(Money(0, booking.total.currency))
    for ticket in booking.tickets:
        at = ticket.unit
        price = nothing if at == GONE else units[at.line][at.unit]  # a ticket that left costs nothing any more
        yield {**shared, **_of_ticket(ticket), **_prices(price),
               "answers": _texts(booking.answers, ticket.attendee)}  # fmt: skip
    if not booking.tickets:
        for number, line in enumerate(booking.lines):
            for place, unit in enumerate(units[number]):
                attendee = line.attendees[place] if place < len(line.attendees) else UNKNOWN
                yield {**shared, **_of_place(line, place, attendee), **_prices(unit),
                       "answers": _texts(booking.answers, attendee)}  # fmt: skip


def json_line(row: Row) -> str:
    """One JSON object and a line feed; what is empty is left out."""
    return json.dumps({name: value for name, value in row.items() if value}, ensure_ascii=False) + "\n"


def csv_writer(offer: Offer) -> tuple[str, Callable[[Row], str]]:
    """The first line, and what writes the others (RFC 4180)."""
    questions = [question.name for question in offer.questions]
    header = [*COLUMNS, *(f"questions/{name.rpartition('/')[2]}" for name in questions), OTHER]

    def line(row: Row) -> str:
        answers = dict(row["answers"])
        asked = [answers.pop(name, "") for name in questions]
        other = json.dumps(answers, ensure_ascii=False) if answers else ""
        return _csv_line([*(row[name] for name in COLUMNS), *asked, other])

    return _csv_line(header), line


def harmless(cell: str) -> str:
    """Text that no spreadsheet runs: an apostrophe before what looks like a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _csv_line(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def _of_booking(booking: Booking) -> Row:
    return {
        "booking": booking.name,
        "booking_state": booking.state.name,
        "buyer": booking.buyer,
        "buyer_name": booking.contact.display_name,
        "buyer_email": booking.contact.email,
        "create_time": _instant(booking.create_time),
        "confirm_time": _instant(booking.confirm_time),
        "voucher_codes": " ".join(booking.voucher_codes),
    }


def _of_ticket(ticket: Ticket) -> Row:
    return {
        "ticket": ticket.name,
        "ticket_state": ticket.state.name,
        "check_in_time": _instant(ticket.check_in_time),
        "check_out_time": _instant(ticket.check_out_time),
        "ticket_type": ticket.ticket_type,
        "ticket_type_name": ticket.display_name,
        "date": ticket.date,
        "seat": ticket.seat,
        "attendee_name": ticket.attendee.display_name,
        "attendee_email": ticket.attendee.email,
    }


def _of_place(line: Line, place: int, attendee: Attendee) -> Row:
    """Of a ticket that is not issued yet."""
    return {
        "ticket": "",
        "ticket_state": "",
        "check_in_time": "",
        "check_out_time": "",
        "ticket_type": line.ticket_type,
        "ticket_type_name": line.display_name,
        "date": line.date,
        "seat": line.seats[place] if place < len(line.seats) else "",
        "attendee_name": attendee.display_name,
        "attendee_email": attendee.email,
    }


def _prices(unit: UnitPrice) -> Row:
    return {
        "currency": unit.list_price.currency,
        "list_price": _amount(unit.list_price),
        "discount": _amount(unit.discount),
        "fee": _amount(unit.fee),
        "tax": _amount(unit.tax),
        "price": _amount(unit.total),
    }


def _texts(booking: Sequence[Answer], attendee: Attendee) -> dict[str, str]:
    return {answer.question: answer.text for answer in (*booking, *attendee.answers)}


def _amount(money: Money) -> str:
    """Decimal, with all digits of its currency."""
    return str(money).partition(" ")[0]


def _instant(time: datetime | None) -> str:
    """RFC 3339."""
    return "" if time is None else time.isoformat().replace("+00:00", "Z")
