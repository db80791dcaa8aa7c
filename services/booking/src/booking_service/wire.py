"""A booking, a ticket and an availability as protobuf messages, for answers and for domain events alike."""

from collections.abc import Sequence
from datetime import datetime

from google.type.money_pb2 import Money as WireMoney

from booking_service.domain.availability import Availability
from booking_service.domain.booking import GONE, Booking, Line, Ticket
from booking_service.domain.contacts import NOBODY, Contact
from booking_service.domain.history import Change
from booking_service.domain.identity_memo import by_identity
from booking_service.domain.pricing.breakdown import Amounts, PriceBreakdown, TaxPart, UnitPrice
from booking_service.domain.pricing.tender import breakdown_in
from booking_service.domain.questions import UNKNOWN, Attendee
from booking_service.domain.states import BookingState
from domain_kit.money import Money
from resource_api import etag_of, minor_to_wire, money_to_wire, time_to_wire
from usher.booking.v1 import booking_pb2 as pb
from usher.booking.v1 import booking_service_pb2
from usher.booking.v1 import currency_exchange_pb2 as exchange_pb2

_STATES = {state: pb.BookingState.Value(f"BOOKING_STATE_{state.name}") for state in BookingState}

# Messages built for domain events whose commit may yet be answered, by identity: a booking in it is kept alive, so its
# id stays its own. Bookings do not change, so this shows in nothing but time.
_told: dict[int, tuple[Booking, pb.Booking]] = {}
_MOST_TOLD = 512
_FEW = 20  # tickets of a line, each of which is told by itself


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
    order = _priced(booking.lines, booking.total) if _is_plain(booking.lines) else _order(booking.lines, booking.total)
    message, currency = pb.Booking(), booking.total.currency
    message.CopyFrom(order)
    message.name = booking.name
    message.event = booking.event
    message.organizer = booking.organizer
    message.buyer = booking.buyer
    message.state = _STATES[booking.state]
    message.create_time.CopyFrom(time_to_wire(booking.create_time))
    message.update_time.CopyFrom(time_to_wire(booking.update_time))
    message.etag = etag_of(booking.version)
    message.history.extend([_change_to_wire(change) for change in booking.history])
    if booking.hold_expire_time is not None:
        message.hold_expire_time.CopyFrom(time_to_wire(booking.hold_expire_time))
    due = booking.due.minor_units
    if due:
        message.amount_due.CopyFrom(money_to_wire(Money(due, currency)))
    if _has_more(booking):
        message.MergeFrom(
            pb.Booking(
                payment=booking.payment,
                tickets=_tickets_to_wire(booking),
                confirm_time=time_to_wire(booking.confirm_time),
                cancel_time=time_to_wire(booking.cancel_time),
                cancel_reason=booking.cancel_reason,
                voucher_codes=booking.voucher_codes,
                answers=[pb.Answer(question=each.question, text=each.text) for each in booking.answers],
                amount_paid=minor_to_wire(booking.paid, currency),
                waiting_list_entry=booking.entry,
                contact=contact_to_wire(booking.contact),
                extra_payments=booking.extra_payments,
                refund_due=minor_to_wire(booking.refunded, currency),
                amount_retained=minor_to_wire(booking.retained, currency),
                pending_change=_pending_to_wire(booking),
                last_price_change=_price_change_to_wire(booking),
                exchange=_exchange_to_wire(booking),
            )
        )
    return message


def _has_more(booking: Booking) -> bool:
    """Anything that a booking which has just been held usually has not: most are such, and the rest takes its time."""
    return bool(
        booking.payment or booking.tickets or booking.confirm_time or booking.cancel_time or booking.cancel_reason
        or booking.voucher_codes or booking.answers or booking.paid or booking.entry or booking.contact is not NOBODY
        or booking.extra_payments or booking.refunded or booking.retained or booking.pending or booking.price_change
        or booking.exchange_rate
    )  # fmt: skip


def _is_plain(lines: tuple[Line, ...]) -> bool:
    """Whether there may be many such orders, and they are short."""
    return not any(line.attendees or line.seats or line.quantity > _FEW for line in lines)


def _order(lines: tuple[Line, ...], total: Money) -> pb.Booking:
    """What follows from the lines and what they come to."""
    currency = total.currency
    priced = PriceBreakdown(currency, tuple(line.priced() for line in lines))
    amounts = [line.amounts() for line in priced.lines]
    return pb.Booking(
        lines=[_line_to_wire(*each) for each in zip(lines, amounts, strict=True)],
        total=money_to_wire(total),
        discount_total=minor_to_wire(sum(each.discount for each in amounts), currency),
        fee_total=minor_to_wire(sum(each.fee for each in amounts), currency),
        taxes=taxes_to_wire(priced.taxes),
        currency_code=currency,
    )


_priced = by_identity(256)(_order)


def _exchange_to_wire(booking: Booking) -> exchange_pb2.CurrencyExchange | None:
    """None where it is paid in the event's currency."""
    rate = booking.exchange_rate
    if rate is None:
        return None
    base = breakdown_in(booking.breakdown(), None)
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


def ticket_to_wire(ticket: Ticket, price: WireMoney, *, transferred: bool = False) -> pb.Ticket:
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
        transferred=transferred,
    )


def ticket_of(booking: Booking, ticket: Ticket) -> pb.Ticket:
    """The same for one ticket of a booking, with its price."""
    line = booking.lines[ticket.unit.line].priced() if booking.lines and ticket.unit != GONE else None
    price = Money(0, booking.total.currency) if line is None else list(line.units())[ticket.unit.unit].total
    return ticket_to_wire(ticket, money_to_wire(price), transferred=ticket.name in booking.transferred)


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


def _tickets_to_wire(booking: Booking) -> list[pb.Ticket]:
    units = [list(line.units()) for line in booking.breakdown().lines] if booking.tickets else []
    passed_on = frozenset(booking.transferred)
    nothing = Money(0, booking.total.currency)  # a ticket that left costs nothing any more
    return [
        ticket_to_wire(
            each,
            money_to_wire(nothing if each.unit == GONE else units[each.unit.line][each.unit.unit].total),
            transferred=each.name in passed_on,
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
        state=_STATES[change.state],
        reason=change.reason,
    )
