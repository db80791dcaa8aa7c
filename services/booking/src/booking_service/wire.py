"""A booking, a ticket and an availability as protobuf messages, for answers and for domain events alike."""

from collections.abc import Sequence
from datetime import datetime

from google.type.money_pb2 import Money as WireMoney

from booking_service.domain.availability import Availability
from booking_service.domain.booking import GONE, Booking, Line, Ticket
from booking_service.domain.contacts import NOBODY, Contact
from booking_service.domain.history import Change
from booking_service.domain.pricing.breakdown import Amounts, PriceBreakdown, TaxPart, UnitPrice
from booking_service.domain.pricing.tender import breakdown_in
from booking_service.domain.questions import UNKNOWN, Attendee
from booking_service.domain.states import BookingState
from domain_kit.money import Money
from resource_api import etag_of, minor_to_wire, money_to_wire, time_to_wire
from usher.booking.v1 import booking_pb2 as pb
from usher.booking.v1 import booking_service_pb2
from usher.booking.v1 import currency_exchange_pb2 as exchange_pb2

# Messages built for domain events whose commit may yet be answered, by identity: a booking in it is kept alive, so its
# id stays its own. Bookings do not change, so this shows in nothing but time.
_told: dict[int, tuple[Booking, pb.Booking]] = {}
_MOST_TOLD = 512


def booking_to_wire(booking: Booking, missing_answers: Sequence[str] = ()) -> pb.Booking:
    """The resource, etag included. missing_answers: names of questions."""
    _, message = _told.pop(id(booking), (None, None))
    message = _built(booking) if message is None else message
    message.missing_answers.extend(missing_answers)
    return message


def booking_in_event(booking: Booking) -> pb.Booking:
    """The same for a domain event, which copies it; whoever caused that gets the message next, as the answer."""
    message = _built(booking)
    _told[id(booking)] = booking, message
    if len(_told) > _MOST_TOLD:
        del _told[next(iter(_told))]
    return message


def _built(booking: Booking) -> pb.Booking:
    currency = booking.total.currency
    priced = booking.breakdown()
    amounts = [line.amounts() for line in priced.lines]
    return pb.Booking(
        name=booking.name,
        event=booking.event,
        organizer=booking.organizer,
        buyer=booking.buyer,
        state=pb.BookingState.Value(f"BOOKING_STATE_{booking.state.name}"),
        lines=[_line_to_wire(*each) for each in zip(booking.lines, amounts, strict=True)],
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
        discount_total=minor_to_wire(sum(each.discount for each in amounts), currency),
        fee_total=minor_to_wire(sum(each.fee for each in amounts), currency),
        taxes=taxes_to_wire(priced.taxes),
        amount_paid=minor_to_wire(booking.paid, currency),
        amount_due=minor_to_wire(booking.due.minor_units, currency),
        waiting_list_entry=booking.entry,
        contact=contact_to_wire(booking.contact),
        extra_payments=booking.extra_payments,
        refund_due=minor_to_wire(booking.refunded, currency),
        amount_retained=minor_to_wire(booking.retained, currency),
        pending_change=_pending_to_wire(booking),
        last_price_change=_price_change_to_wire(booking),
        currency_code=currency,
        exchange=_exchange_to_wire(booking, priced),
    )


def _exchange_to_wire(booking: Booking, priced: PriceBreakdown) -> exchange_pb2.CurrencyExchange | None:
    """None where it is paid in the event's currency."""
    rate = booking.exchange_rate
    if rate is None:
        return None
    base = breakdown_in(priced, None)
    return exchange_pb2.CurrencyExchange(
        base_currency_code=rate.base,
        currency_code=rate.currency,
        rate=rate.rate,
        rate_time=time_to_wire(rate.rate_time),
        rate_source=rate.source,
        base_total=money_to_wire(base.total),
        base_taxes=base_taxes_to_wire(base.taxes),
    )


def taxes_to_wire(taxes: Sequence[TaxPart]) -> list[pb.TaxAmount]:
    """Taxes in the currency that is paid in."""
    return [
        pb.TaxAmount(display_name=tax.name, rate_millionths=tax.millionths, amount=money_to_wire(tax.amount))
        for tax in taxes
    ]


def base_taxes_to_wire(taxes: Sequence[TaxPart]) -> list[exchange_pb2.BaseTax]:
    """Taxes in the event's currency."""
    return [
        exchange_pb2.BaseTax(display_name=tax.name, rate_millionths=tax.millionths, amount=money_to_wire(tax.amount))
        for tax in taxes
    ]


def quote_to_wire(booking: Booking) -> booking_service_pb2.BookingQuote:
    """What a booking that was not made would cost."""
    told = booking_to_wire(booking)
    return booking_service_pb2.BookingQuote(
        lines=told.lines,
        total=told.total,
        discount_total=told.discount_total,
        fee_total=told.fee_total,
        taxes=told.taxes,
        approval_required=booking.state is BookingState.PENDING_APPROVAL,
        exchange=told.exchange if told.HasField("exchange") else None,
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
        resale_offer=ticket.resale_offer,
    )


def ticket_of(booking: Booking, ticket: Ticket) -> pb.Ticket:
    """The same for one ticket of a booking, with its price."""
    line = booking.lines[ticket.unit.line].priced() if booking.lines and ticket.unit != GONE else None
    price = Money(0, booking.total.currency) if line is None else list(line.units())[ticket.unit.unit].total
    return ticket_to_wire(ticket, money_to_wire(price))


def attendee_to_wire(attendee: Attendee) -> pb.Attendee | None:
    """None for one of whom nothing is known."""
    if attendee == UNKNOWN:
        return None
    answers = [pb.Answer(question=each.question, text=each.text) for each in attendee.answers]
    return pb.Attendee(display_name=attendee.display_name, email=attendee.email, answers=answers)


def contact_to_wire(contact: Contact) -> pb.BuyerContact | None:
    """None for nobody."""
    return None if contact == NOBODY else pb.BuyerContact(display_name=contact.display_name, email=contact.email)


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
                resale_available=each.resale_available,
            )
            for each in availability.ticket_types
        ],
        bookable=availability.bookable,
        update_time=time_to_wire(now),
    )


def _line_to_wire(line: Line, amounts: Amounts) -> pb.BookingLine:
    currency = line.unit_price.currency
    subtotal, discount, fee, tax = amounts
    return pb.BookingLine(
        ticket_type=line.ticket_type,
        quantity=line.quantity,
        display_name=line.display_name,
        unit_price=money_to_wire(line.unit_price),
        subtotal=money_to_wire(Money(subtotal, currency)),
        date=line.date,
        seats=line.seats,
        attendees=[attendee_to_wire(each) or pb.Attendee() for each in line.attendees],
        units=[unit for run in line.runs for unit in [_unit_to_wire(run.unit)] * run.quantity],
        discount=minor_to_wire(discount, currency),
        fee=minor_to_wire(fee, currency),
        tax_class=line.tax_class,
        tax=minor_to_wire(tax, currency),
        total=money_to_wire(Money(subtotal - discount + fee, currency)),
        accessible_seats=line.accessible_seats,
        vouchers=[f"{line.ticket_type.partition('/ticketTypes/')[0]}/vouchers/{each}" for each in line.vouchers],
        resale_offer=line.resale_offer,
        base_total=None if (base := line.base_total) is None else money_to_wire(base),
    )


def _unit_to_wire(unit: UnitPrice) -> pb.UnitPrice:
    list_price, currency, fee = unit.list_price.minor_units, unit.list_price.currency, unit.fee.minor_units
    discount = sum(each.amount.minor_units for each in unit.reductions)
    return pb.UnitPrice(
        list_price=money_to_wire(unit.list_price),
        discount=minor_to_wire(discount, currency),
        fee=minor_to_wire(fee, currency),
        price=money_to_wire(Money(list_price - discount + fee, currency)),
        phase=unit.phase,
        reductions=[
            pb.PriceReduction(source=each.source, display_name=each.display_name, amount=money_to_wire(each.amount))
            for each in unit.reductions
        ],
        base_price=None if unit.base is None else money_to_wire(unit.base.total),
    )


def _tickets_to_wire(booking: Booking, priced: PriceBreakdown) -> list[pb.Ticket]:
    units = [list(line.units()) for line in priced.lines] if booking.tickets else []
    nothing = Money(0, booking.total.currency)  # a ticket that left costs nothing any more
    return [
        ticket_to_wire(
            each, money_to_wire(nothing if each.unit == GONE else units[each.unit.line][each.unit.unit].total)
        )
        for each in booking.tickets
    ]


def _pending_to_wire(booking: Booking) -> pb.PendingChange | None:
    change = booking.pending
    if change is None:
        return None
    return pb.PendingChange(
        removed_tickets=change.remove,
        added_lines=[_line_to_wire(line, line.priced().amounts()) for line in change.added],
        amount_due=money_to_wire(booking.due),
    )


def _price_change_to_wire(booking: Booking) -> pb.PriceChange | None:
    change, currency = booking.price_change, booking.total.currency
    if change is None:
        return None
    return pb.PriceChange(
        change_time=time_to_wire(change.time),
        price_difference=money_to_wire(Money(change.difference, currency)),
        refund_due=money_to_wire(Money(change.refund, currency)),
        amount_due=money_to_wire(Money(change.due, currency)),
    )


def _change_to_wire(change: Change) -> pb.BookingChange:
    return pb.BookingChange(
        change_time=time_to_wire(change.time),
        actor=change.actor,
        action=change.action,
        state=pb.BookingState.Value(f"BOOKING_STATE_{change.state.name}"),
        reason=change.reason,
    )
