"""An offer is read from what the event service tells with every field, whatever the values."""

from dataclasses import replace
from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.latlng_pb2 import LatLng
from hypothesis import given, settings
from hypothesis import strategies as st

from booking_service.domain.offer import Offer, OfferedType, Pool
from booking_service.domain.pricing.inputs import Discount, Phase, RefundStep, ServiceFee
from booking_service.domain.questions import Question, QuestionKind
from booking_service.inbound.offers import offer_from_wire
from resource_api import money_to_wire, time_to_wire
from testkit.any_value import MONEY, TEXT, TIME, any_of
from usher.event.v1 import (
    discount_pb2,
    domain_events_pb2,
    event_date_pb2,
    event_pb2,
    question_pb2,
    seating_plan_pb2,
    ticket_type_pb2,
)

SHARE = st.integers(0, 10_000)
KNOWN = {
    ServiceFee: st.builds(ServiceFee, st.none() | MONEY, SHARE),
    Discount: st.builds(
        Discount, TEXT, TEXT, st.frozensets(TEXT, max_size=2), st.integers(1, 9), st.frozensets(TEXT, max_size=2),
        st.integers(1, 9), SHARE, st.none() | TIME, st.none() | TIME,
    ),
    RefundStep: st.builds(RefundStep, st.integers(0, 10**6).map(lambda s: timedelta(seconds=s)), SHARE),
    int: st.integers(1, 1000),
    str: st.text("abcdefgh-", min_size=1, max_size=9),
}  # fmt: skip


def span(of: timedelta | None) -> Duration | None:
    if of is None:
        return None
    duration = Duration()
    duration.FromTimedelta(of)
    return duration


def phase_to_wire(each: Phase) -> ticket_type_pb2.PricePhase:
    return ticket_type_pb2.PricePhase(
        display_name=each.display_name, price=money_to_wire(each.price), end_time=time_to_wire(each.end),
        places=each.places,
    )  # fmt: skip


def type_to_wire(event: str, each: OfferedType) -> ticket_type_pb2.TicketType:
    return ticket_type_pb2.TicketType(
        name=each.name, display_name=each.display_name, price=money_to_wire(each.price),
        capacity_pools=[f"{event}/capacityPools/{pool}" for pool in each.pools],
        sale_start_time=time_to_wire(each.sale_start), sale_end_time=time_to_wire(each.sale_end),
        min_per_booking=each.least, max_per_booking=each.most, max_per_person=each.most_per_person,
        price_phases=[phase_to_wire(phase) for phase in each.phases],
        hidden=each.hidden, approval_required=each.approval_required, add_on_to=each.add_on_to,
        kind=ticket_type_pb2.TICKET_TYPE_KIND_ADD_ON if each.add_on else ticket_type_pb2.TICKET_TYPE_KIND_ADMISSION,
        bundle_items=[ticket_type_pb2.BundleItem(ticket_type=name, quantity=n) for name, n in each.bundle.items()],
        tax_class=each.tax_class, sections=each.sections,
    )  # fmt: skip


def question_to_wire(each: Question) -> question_pb2.Question:
    scope = question_pb2.QUESTION_SCOPE_TICKET if each.per_ticket else question_pb2.QUESTION_SCOPE_BOOKING
    return question_pb2.Question(
        name=each.name, text=each.text, kind=f"QUESTION_KIND_{each.kind.name}", choices=each.choices,
        required=each.required, scope=scope, ticket_types=each.ticket_types,
    )  # fmt: skip


def discount_to_wire(each: Discount) -> discount_pb2.Discount:
    return discount_pb2.Discount(
        name=each.name, display_name=each.display_name, condition_ticket_types=sorted(each.condition_types),
        condition_quantity=each.condition_quantity, benefit_ticket_types=sorted(each.benefit_types),
        benefit_quantity=each.benefit_quantity, percent_off_basis_points=each.basis_points,
        start_time=time_to_wire(each.start), end_time=time_to_wire(each.end),
    )  # fmt: skip


def plan_to_wire(offer: Offer) -> seating_plan_pb2.SeatingPlan:
    sections = [
        seating_plan_pb2.Section(
            id=section.id, display_name=section.display_name,
            rows=[
                seating_plan_pb2.SeatRow(label=row.label, seats=row.seats, accessible_seats=row.accessible)
                for row in section.rows
            ],
        )
        for section in offer.sections
    ]  # fmt: skip
    return seating_plan_pb2.SeatingPlan(sections=sections)


def terms_to_wire(offer: Offer) -> event_pb2.BookingTerms:
    terms = offer.terms
    fee, waiting, room = terms.service_fee, terms.waiting_list, terms.waiting_room
    return event_pb2.BookingTerms(
        refund_steps=[
            event_pb2.RefundStep(before_start=span(each.before_start), basis_points=each.basis_points)
            for each in terms.refund_steps
        ],
        refund_keeps_fees=terms.refund_keeps_fees, max_tickets_per_booking=terms.most_per_booking,
        max_tickets_per_person=terms.most_per_person, change_allowed=terms.change_allowed,
        transfer_allowed=terms.transfer_allowed, resale_allowed=terms.resale_allowed,
        service_fee=event_pb2.ServiceFee(
            fixed=None if fee.fixed is None else money_to_wire(fee.fixed), basis_points=fee.basis_points
        ),
        waiting_list=event_pb2.WaitingListTerms(
            enabled=waiting.enabled, offer_duration=span(waiting.offer_for), max_quantity=waiting.most
        ),
        waiting_room=event_pb2.WaitingRoomTerms(
            enabled=room.enabled, admissions_per_minute=room.admissions_per_minute, turn_duration=span(room.turn_for)
        ),
        hold_duration=span(terms.hold_for), approval_duration=span(terms.approve_within),
        payment_duration=span(terms.pay_within),
        ticket_logo=terms.ticket_logo, seats_left_alone_allowed=terms.seats_left_alone_allowed,
    )  # fmt: skip


def snapshot_of(offer: Offer) -> domain_events_pb2.EventSnapshot:
    place = offer.place
    located = None if place.location is None else LatLng(latitude=place.latitude, longitude=place.longitude)
    return domain_events_pb2.EventSnapshot(
        event=event_pb2.Event(
            name=offer.event, organizer=offer.organizer, title=offer.title, time_zone=offer.time_zone,
            state=f"EVENT_STATE_{offer.state.name}", language_code=offer.language,
            start_time=time_to_wire(offer.start_time), end_time=time_to_wire(offer.end_time),
            publish_time=time_to_wire(offer.start_time) if offer.published else None,
            venue=event_pb2.Venue(
                display_name=place.display_name, street_address=place.address, region=place.region, location=located
            ),
            booking_terms=terms_to_wire(offer),
            currency_code=offer.currency, max_rate_age=span(offer.max_rate_age),
            offered_currencies=[
                event_pb2.OfferedCurrency(
                    currency_code=each.currency, rate=each.rate, rate_time=time_to_wire(each.rate_time),
                    rate_source=each.source,
                )
                for each in offer.rates
            ],
        ),
        ticket_types=[type_to_wire(offer.event, each) for each in offer.ticket_types],
        capacity_pools=[pool_to_wire(offer.event, id, pool) for id, pool in offer.pools.items()],
        dates=[
            event_date_pb2.EventDate(
                name=each.name, display_name=each.display_name, start_time=time_to_wire(each.start_time),
                end_time=time_to_wire(each.end_time), cancelled=each.cancelled,
            )
            for each in offer.dates
        ],
        questions=[question_to_wire(each) for each in offer.questions],
        discounts=[discount_to_wire(each) for each in offer.discounts],
        seating_plan=plan_to_wire(offer),
    )  # fmt: skip


def pool_to_wire(event: str, id: str, pool: Pool) -> ticket_type_pb2.CapacityPool:
    return ticket_type_pb2.CapacityPool(
        name=f"{event}/capacityPools/{id}", capacity=pool.capacity, date=pool.date, overbooking=pool.overbooking
    )


@settings(max_examples=60, deadline=None)
@given(any_of(Offer, KNOWN))
def test_an_offer_is_read_from_a_snapshot_with_every_field(offer):
    # The country is part of the address and has a test of its own; a place is known with both coordinates or none.
    place = replace(offer.place, country="", region="", longitude=offer.place.latitude)
    # An add-on without a limit of its own comes once for each admission, and is told without one.
    kinds = tuple(replace(each, one_each=False) for each in offer.ticket_types)
    rates = tuple(replace(each, base=offer.currency) for each in offer.rates)  # told for the event's own currency only
    offer = replace(offer, place=place, ticket_types=kinds, rates=rates, former_refunds=())  # which booking keeps
    assert offer_from_wire(snapshot_of(offer), offer.version) == offer


def test_an_address_is_one_line_without_empty_parts(make):
    snapshot = snapshot_of(make.offer())
    snapshot.event.venue.MergeFrom(
        event_pb2.Venue(display_name="Hall", street_address="1 Main St", city="Paris", country_code="FR")
    )
    place = offer_from_wire(snapshot, 1).place
    assert (place.display_name, place.address, place.country) == ("Hall", "1 Main St, Paris, FR", "FR")
    assert place.location is None


def test_every_kind_of_question_is_known():
    names = {name.removeprefix("QUESTION_KIND_") for name in question_pb2.QuestionKind.DESCRIPTOR.values_by_name}
    assert names - {"UNSPECIFIED"} == {kind.name for kind in QuestionKind}


@pytest.mark.parametrize(("most", "add_on", "one_each"), [(0, True, True), (3, True, False), (0, False, False)])
def test_an_add_on_without_a_limit_of_its_own_comes_once_for_each_admission(make, most, add_on, one_each):
    snapshot = snapshot_of(make.offer(make.type(add_on=add_on)))
    snapshot.ticket_types[0].max_per_booking = most
    assert offer_from_wire(snapshot, 1).ticket_types[0].one_each is one_each
