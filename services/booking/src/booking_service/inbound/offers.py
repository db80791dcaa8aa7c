"""What an event sells, from what the event service tells."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from booking_service.domain.offer import (
    LEAST_PER_BOOKING,
    MOST_PER_BOOKING,
    EventDate,
    Offer,
    OfferedType,
    OfferState,
    Place,
    Pool,
)
from booking_service.domain.pricing.inputs import Discount, Phase, RefundStep, ServiceFee
from booking_service.domain.questions import Question, QuestionKind
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.terms import (
    APPROVE_WITHIN,
    MOST_WAITED_FOR,
    OFFER_FOR,
    PAY_WITHIN,
    TURN_FOR,
    BookingTerms,
    WaitingListTerms,
    WaitingRoomTerms,
)
from domain_kit.exchange_rate import ExchangeRate
from resource_api import money_from_wire, time_from_wire
from usher.event.v1 import (
    discount_pb2,
    domain_events_pb2,
    event_date_pb2,
    event_pb2,
    question_pb2,
    seating_plan_pb2,
    ticket_type_pb2,
)

_KINDS = question_pb2.QuestionKind
_ADD_ON = ticket_type_pb2.TICKET_TYPE_KIND_ADD_ON
_PER_TICKET = question_pb2.QUESTION_SCOPE_TICKET


def offer_from_wire(snapshot: domain_events_pb2.EventSnapshot, version: int) -> Offer:
    """The event as it is sold, after its domain event number `version`. ValueError for one without times."""
    event = snapshot.event
    start, end = time_from_wire(event.start_time), time_from_wire(event.end_time)
    if start is None or end is None:
        raise ValueError(f"{event.name} has no times")
    return Offer(
        event=event.name,
        organizer=event.organizer,
        title=event.title,
        state=OfferState(event_pb2.EventState.Name(event.state).removeprefix("EVENT_STATE_")),
        start_time=start,
        end_time=end,
        time_zone=event.time_zone,
        ticket_types=tuple(_type_from_wire(each) for each in snapshot.ticket_types),
        pools={_id_of(pool.name): Pool(pool.capacity, pool.date, pool.overbooking) for pool in snapshot.capacity_pools},
        version=version,
        published=event.HasField("publish_time"),
        language=event.language_code,
        place=_place_from_wire(event.venue),
        dates=tuple(_date_from_wire(each) for each in snapshot.dates),
        questions=tuple(_question_from_wire(each) for each in snapshot.questions),
        discounts=tuple(_discount_from_wire(each) for each in snapshot.discounts),
        sections=tuple(_section_from_wire(each) for each in snapshot.seating_plan.sections),
        terms=_terms_from_wire(event.booking_terms),
        currency=event.currency_code,
        rates=tuple(_rate_from_wire(event.currency_code, each) for each in event.offered_currencies),
        max_rate_age=_span(event.max_rate_age),
    )


def _rate_from_wire(base: str, offered: event_pb2.OfferedCurrency) -> ExchangeRate:
    as_of = time_from_wire(offered.rate_time)
    if as_of is None:
        raise ValueError(f"the rate of {offered.currency_code} has no time")
    return ExchangeRate(base, offered.currency_code, offered.rate, as_of, offered.rate_source)


def _type_from_wire(kind: ticket_type_pb2.TicketType) -> OfferedType:
    return OfferedType(
        name=kind.name,
        display_name=kind.display_name,
        price=money_from_wire(kind.price),
        pools=tuple(_id_of(pool) for pool in kind.capacity_pools),
        sale_start=time_from_wire(kind.sale_start_time),
        sale_end=time_from_wire(kind.sale_end_time),
        least=kind.min_per_booking or LEAST_PER_BOOKING,
        most=kind.max_per_booking or MOST_PER_BOOKING,
        phases=tuple(
            Phase(each.display_name, money_from_wire(each.price), time_from_wire(each.end_time), each.places)
            for each in kind.price_phases
        ),
        hidden=kind.hidden,
        most_per_person=kind.max_per_person,
        approval_required=kind.approval_required,
        add_on=kind.kind == _ADD_ON,
        add_on_to=tuple(kind.add_on_to),
        bundle={each.ticket_type: each.quantity for each in kind.bundle_items},
        tax_class=kind.tax_class,
        sections=tuple(kind.sections),
        one_each=kind.kind == _ADD_ON and not kind.max_per_booking,
    )


def _place_from_wire(venue: event_pb2.Venue) -> Place:
    parts = (venue.street_address, venue.city, venue.region, venue.country_code)
    located = venue.HasField("location")
    return Place(
        display_name=venue.display_name,
        address=", ".join(part for part in parts if part),
        country=venue.country_code,
        region=venue.region,
        latitude=venue.location.latitude if located else None,
        longitude=venue.location.longitude if located else None,
    )


def _date_from_wire(date: event_date_pb2.EventDate) -> EventDate:
    start, end = time_from_wire(date.start_time), time_from_wire(date.end_time)
    if start is None or end is None:
        raise ValueError(f"{date.name} has no times")
    return EventDate(date.name, date.display_name, start, end, date.cancelled)


def _question_from_wire(question: question_pb2.Question) -> Question:
    return Question(
        name=question.name,
        text=question.text,
        kind=QuestionKind(_KINDS.Name(question.kind).removeprefix("QUESTION_KIND_")),
        choices=tuple(question.choices),
        required=question.required,
        per_ticket=question.scope == _PER_TICKET,
        ticket_types=tuple(question.ticket_types),
    )


def _discount_from_wire(discount: discount_pb2.Discount) -> Discount:
    return Discount(
        name=discount.name,
        display_name=discount.display_name,
        condition_types=frozenset(discount.condition_ticket_types),
        condition_quantity=discount.condition_quantity,
        benefit_types=frozenset(discount.benefit_ticket_types),
        benefit_quantity=discount.benefit_quantity,
        basis_points=discount.percent_off_basis_points,
        start=time_from_wire(discount.start_time),
        end=time_from_wire(discount.end_time),
    )


def _section_from_wire(section: seating_plan_pb2.Section) -> Section:
    rows = tuple(SeatRow(row.label, tuple(row.seats), tuple(row.accessible_seats)) for row in section.rows)
    return Section(section.id, section.display_name, rows)


def _terms_from_wire(terms: event_pb2.BookingTerms) -> BookingTerms:
    fee, waiting, room = terms.service_fee, terms.waiting_list, terms.waiting_room
    return BookingTerms(
        refund_steps=tuple(
            RefundStep(each.before_start.ToTimedelta(), each.basis_points) for each in terms.refund_steps
        ),
        refund_keeps_fees=terms.refund_keeps_fees,
        most_per_booking=terms.max_tickets_per_booking,
        most_per_person=terms.max_tickets_per_person,
        change_allowed=terms.change_allowed,
        transfer_allowed=terms.transfer_allowed,
        resale_allowed=terms.resale_allowed,
        service_fee=ServiceFee(money_from_wire(fee.fixed) if fee.HasField("fixed") else None, fee.basis_points),
        waiting_list=WaitingListTerms(
            waiting.enabled, _span(waiting.offer_duration) or OFFER_FOR, waiting.max_quantity or MOST_WAITED_FOR
        ),
        waiting_room=WaitingRoomTerms(
            room.enabled, max(1, room.admissions_per_minute), _span(room.turn_duration) or TURN_FOR
        ),
        hold_for=_span(terms.hold_duration),
        approve_within=_span(terms.approval_duration) or APPROVE_WITHIN,
        ticket_logo=terms.ticket_logo,
        seats_left_alone_allowed=terms.seats_left_alone_allowed,
        pay_within=_span(terms.payment_duration) or PAY_WITHIN,
    )


def _span(duration: Duration) -> timedelta | None:
    """None for one that is not set."""
    return duration.ToTimedelta() or None


def _id_of(name: str) -> str:
    return name.rpartition("/")[2]
