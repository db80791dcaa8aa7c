"""usher.event.v1.BookingTerms ↔ domain."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from event_service.domain.terms import (
    DEFAULT_TERMS,
    BookingTerms,
    RefundStep,
    ServiceFee,
    WaitingListTerms,
    WaitingRoomTerms,
)
from resource_api import money_from_wire, money_to_wire
from usher.event.v1 import event_pb2 as pb


def terms_to_wire(terms: BookingTerms) -> pb.BookingTerms | None:
    """The message; None for the defaults, and so within it."""
    fee, waiting, room = terms.service_fee, terms.waiting_list, terms.waiting_room
    if terms == DEFAULT_TERMS:
        return None
    return pb.BookingTerms(
        refund_steps=[
            pb.RefundStep(before_start=duration_to_wire(each.before_start), basis_points=each.basis_points)
            for each in terms.refund_steps
        ],
        refund_keeps_fees=terms.refund_keeps_fees,
        max_tickets_per_booking=terms.max_tickets_per_booking,
        max_tickets_per_person=terms.max_tickets_per_person,
        change_allowed=terms.change_allowed,
        transfer_allowed=terms.transfer_allowed,
        resale_allowed=terms.resale_allowed,
        service_fee=None if fee == DEFAULT_TERMS.service_fee else _fee_to_wire(fee),
        waiting_list=None if waiting == DEFAULT_TERMS.waiting_list else _waiting_list_to_wire(waiting),
        waiting_room=None if room == DEFAULT_TERMS.waiting_room else _waiting_room_to_wire(room),
        hold_duration=duration_to_wire(terms.hold_duration),
        ticket_logo=terms.ticket_logo,
        approval_duration=duration_to_wire(terms.approval_duration),
        seats_left_alone_allowed=terms.seats_left_alone_allowed,
        payment_duration=duration_to_wire(terms.payment_duration),
    )


def terms_from_wire(message: pb.BookingTerms, field: str) -> BookingTerms:
    """What a message says; InvalidArgument of money."""
    fee, waiting, room = message.service_fee, message.waiting_list, message.waiting_room
    fixed = money_from_wire(fee.fixed, field=f"{field}.service_fee.fixed") if fee.HasField("fixed") else None
    return BookingTerms(
        refund_steps=tuple(
            RefundStep(duration_from_wire(each.before_start) or timedelta(), each.basis_points)
            for each in message.refund_steps
        ),
        refund_keeps_fees=message.refund_keeps_fees,
        max_tickets_per_booking=message.max_tickets_per_booking,
        max_tickets_per_person=message.max_tickets_per_person,
        change_allowed=message.change_allowed,
        transfer_allowed=message.transfer_allowed,
        resale_allowed=message.resale_allowed,
        service_fee=ServiceFee(fixed, fee.basis_points),
        waiting_list=WaitingListTerms(
            waiting.enabled, duration_from_wire(waiting.offer_duration), waiting.max_quantity
        ),
        waiting_room=WaitingRoomTerms(
            room.enabled, room.admissions_per_minute, duration_from_wire(room.turn_duration)
        ),
        hold_duration=duration_from_wire(message.hold_duration),
        ticket_logo=message.ticket_logo,
        approval_duration=duration_from_wire(message.approval_duration),
        seats_left_alone_allowed=message.seats_left_alone_allowed,
        payment_duration=duration_from_wire(message.payment_duration),
    )  # fmt: skip


def _fee_to_wire(fee: ServiceFee) -> pb.ServiceFee:
    return pb.ServiceFee(
        fixed=None if fee.fixed is None else money_to_wire(fee.fixed), basis_points=fee.basis_points
    )  # fmt: skip


def _waiting_list_to_wire(terms: WaitingListTerms) -> pb.WaitingListTerms:
    return pb.WaitingListTerms(
        enabled=terms.enabled,
        offer_duration=duration_to_wire(terms.offer_duration),
        max_quantity=terms.max_quantity,
    )


def _waiting_room_to_wire(terms: WaitingRoomTerms) -> pb.WaitingRoomTerms:
    return pb.WaitingRoomTerms(
        enabled=terms.enabled,
        admissions_per_minute=terms.admissions_per_minute,
        turn_duration=duration_to_wire(terms.turn_duration),
    )


def duration_to_wire(duration: timedelta | None) -> Duration | None:
    """None for none."""
    if duration is None:
        return None
    message = Duration()
    message.FromTimedelta(duration)
    return message


def duration_from_wire(message: Duration) -> timedelta | None:
    """Cut to milliseconds as the store keeps them; None for none at all."""
    if not message.seconds and not message.nanos:
        return None
    return timedelta(seconds=message.seconds, milliseconds=message.nanos // 10**6)
