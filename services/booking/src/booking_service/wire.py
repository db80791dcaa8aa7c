"""A booking, a ticket and an availability as protobuf messages, for answers and for domain events alike."""

from datetime import datetime

from google.type.money_pb2 import Money as WireMoney

from booking_service.domain.availability import Availability
from booking_service.domain.booking import Booking, Line, Ticket
from booking_service.domain.history import Change
from booking_service.domain.pricing.breakdown import PriceBreakdown, PricedLine, UnitPrice
from booking_service.domain.questions import UNKNOWN, Attendee
from booking_service.domain.states import BookingState
from domain_kit.money import Money
from resource_api import etag_of, money_to_wire, time_to_wire
from usher.booking.v1 import booking_pb2 as pb

_OWES = (BookingState.HELD, BookingState.PENDING_APPROVAL, BookingState.CONFIRMED, BookingState.CHECKED_IN)


def booking_to_wire(booking: Booking) -> pb.Booking:
    """The resource, etag included."""
    currency = booking.total.currency
    priced = booking.breakdown()
    due = booking.total.minor_units - booking.paid if booking.state in _OWES else 0
    return pb.Booking(
        name=booking.name,
        event=booking.event,
        organizer=booking.organizer,
        buyer=booking.buyer,
        state=pb.BookingState.Value(f"BOOKING_STATE_{booking.state.name}"),
        lines=[_line_to_wire(*each) for each in zip(booking.lines, priced.lines, strict=True)],
        total=money_to_wire(booking.total),
        hold_expire_time=time_to_wire(booking.hold_expire_time),
        payment=booking.payment,
        tickets=_tickets_to_wire(booking, priced),
        create_time=time_to_wire(booking.create_time),
        update_time=time_to_wire(booking.update_time),
        confirm_time=time_to_wire(booking.confirm_time),
        cancel_time=time_to_wire(booking.cancel_time),
        cancel_reason=booking.cancel_reason,
        etag=etag_of(booking.version),
        history=[_change_to_wire(change) for change in booking.history],
        voucher_codes=booking.voucher_codes,
        answers=[pb.Answer(question=each.question, text=each.text) for each in booking.answers],
        discount_total=money_to_wire(priced.discount),
        fee_total=money_to_wire(priced.fee),
        taxes=[
            pb.TaxAmount(display_name=tax.name, rate_millionths=tax.millionths, amount=money_to_wire(tax.amount))
            for tax in priced.taxes
        ],
        amount_paid=money_to_wire(Money(booking.paid, currency)),
        amount_due=money_to_wire(Money(due, currency)),
        waiting_list_entry=booking.entry,
    )


def ticket_to_wire(ticket: Ticket, price: WireMoney) -> pb.Ticket:
    """The resource."""
    return pb.Ticket(
        name=ticket.name,
        ticket_type=ticket.ticket_type,
        display_name=ticket.display_name,
        code=ticket.code,
        state=pb.TicketState.Value(f"TICKET_STATE_{ticket.state.name}"),
        check_in_time=time_to_wire(ticket.check_in_time),
        check_out_time=time_to_wire(ticket.check_out_time),
        date=ticket.date,
        seat=ticket.seat,
        attendee=attendee_to_wire(ticket.attendee),
        price=price,
    )


def ticket_of(booking: Booking, ticket: Ticket) -> pb.Ticket:
    """The same for one ticket of a booking, with its price."""
    line = booking.lines[ticket.unit.line].priced() if booking.lines else None
    price = Money(0, booking.total.currency) if line is None else list(line.units())[ticket.unit.unit].total
    return ticket_to_wire(ticket, money_to_wire(price))


def attendee_to_wire(attendee: Attendee) -> pb.Attendee | None:
    """None for one of whom nothing is known."""
    if attendee == UNKNOWN:
        return None
    answers = [pb.Answer(question=each.question, text=each.text) for each in attendee.answers]
    return pb.Attendee(display_name=attendee.display_name, email=attendee.email, answers=answers)


def availability_to_wire(availability: Availability, now: datetime) -> pb.Availability:
    """The resource as of `now`."""
    return pb.Availability(
        name=availability.name,
        ticket_types=[
            pb.TicketTypeAvailability(
                ticket_type=each.ticket_type,
                display_name=each.display_name,
                price=money_to_wire(each.price),
                remaining=each.remaining,
                sale_state=pb.SaleState.Value(f"SALE_STATE_{each.sale_state.name}"),
                date=each.date,
                phase=each.phase,
                waiting_list_open=each.waiting_list_open,
            )
            for each in availability.ticket_types
        ],
        bookable=availability.bookable,
        update_time=time_to_wire(now),
    )


def _line_to_wire(line: Line, priced: PricedLine) -> pb.BookingLine:
    return pb.BookingLine(
        ticket_type=line.ticket_type,
        quantity=line.quantity,
        display_name=line.display_name,
        unit_price=money_to_wire(line.unit_price),
        subtotal=money_to_wire(priced.subtotal),
        date=line.date,
        seats=line.seats,
        attendees=[attendee_to_wire(each) or pb.Attendee() for each in line.attendees],
        units=[unit for run in line.runs for unit in [_unit_to_wire(run.unit)] * run.quantity],
        discount=money_to_wire(priced.discount),
        fee=money_to_wire(priced.fee),
        tax_class=line.tax_class,
        tax=money_to_wire(priced.tax),
        total=money_to_wire(priced.total),
    )


def _unit_to_wire(unit: UnitPrice) -> pb.UnitPrice:
    return pb.UnitPrice(
        list_price=money_to_wire(unit.list_price),
        discount=money_to_wire(unit.discount),
        fee=money_to_wire(unit.fee),
        price=money_to_wire(unit.total),
        phase=unit.phase,
        reductions=[
            pb.PriceReduction(source=each.source, display_name=each.display_name, amount=money_to_wire(each.amount))
            for each in unit.reductions
        ],
    )


def _tickets_to_wire(booking: Booking, priced: PriceBreakdown) -> list[pb.Ticket]:
    units = [list(line.units()) for line in priced.lines] if booking.tickets else []
    return [
        ticket_to_wire(each, money_to_wire(units[each.unit.line][each.unit.unit].total)) for each in booking.tickets
    ]


def _change_to_wire(change: Change) -> pb.BookingChange:
    return pb.BookingChange(
        change_time=time_to_wire(change.time),
        actor=change.actor,
        action=change.action,
        state=pb.BookingState.Value(f"BOOKING_STATE_{change.state.name}"),
        reason=change.reason,
    )
