"""A voucher as a protobuf message and back."""

from dataclasses import replace

from booking_service.domain.pricing.inputs import VoucherKind
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from domain_kit.money import Money
from resource_api import etag_of, money_from_wire, money_to_wire, time_from_wire, time_to_wire
from usher.booking.v1 import voucher_pb2 as pb


def voucher_to_wire(voucher: Voucher, use: VoucherUse | None = None) -> pb.Voucher:
    """The resource, etag included. use: its tally, None where that is not told."""
    message = pb.Voucher(
        name=voucher.name,
        code=voucher.code,
        tag=voucher.tag,
        comment=voucher.comment,
        ticket_types=voucher.ticket_types,
        dates=voucher.dates,
        max_uses=voucher.max_uses,
        uses=0 if use is None else use.uses,
        max_per_booking=voucher.max_per_booking,
        valid_from_time=time_to_wire(voucher.valid_from),
        valid_until_time=time_to_wire(voucher.valid_until),
        reveals_hidden=voucher.reveals,
        reserved_tickets=voucher.reserved,
        reserved_left=0 if use is None else use.kept,
        create_time=time_to_wire(voucher.create_time),
        update_time=time_to_wire(voucher.update_time),
        etag=etag_of(voucher.version),
    )
    if voucher.kind is VoucherKind.PERCENT:
        message.percent_off_basis_points = voucher.basis_points
    elif voucher.amount is not None:
        field = message.amount_off if voucher.kind is VoucherKind.FIXED else message.price
        field.CopyFrom(money_to_wire(voucher.amount))
    return message


def voucher_from_wire(message: pb.Voucher, stored: Voucher) -> Voucher:
    """The stored one with all that an organizer may say of it. InvalidArgument for an amount that is none."""
    kind, amount = _benefit(message)
    return replace(
        stored,
        tag=message.tag,
        comment=message.comment,
        ticket_types=tuple(message.ticket_types),
        dates=tuple(message.dates),
        kind=kind,
        basis_points=message.percent_off_basis_points,
        amount=amount,
        max_uses=message.max_uses,
        max_per_booking=message.max_per_booking,
        valid_from=time_from_wire(message.valid_from_time),
        valid_until=time_from_wire(message.valid_until_time),
        reveals=message.reveals_hidden,
        reserved=message.reserved_tickets,
    )


def _benefit(message: pb.Voucher) -> tuple[VoucherKind, Money | None]:
    match message.WhichOneof("benefit"):
        case "percent_off_basis_points":
            return VoucherKind.PERCENT, None
        case "amount_off":
            return VoucherKind.FIXED, money_from_wire(message.amount_off)
        case "price":
            return VoucherKind.PRICE, money_from_wire(message.price)
    return VoucherKind.NONE, None
