"""The rpcs of vouchers: parse, handle, encode."""

from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.field_mask_pb2 import FieldMask

from booking_service.domain.ports import Condition, Desk
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_ports import VoucherReader
from booking_service.handlers.manage_vouchers import create_voucher, create_vouchers, delete_voucher, update_voucher
from booking_service.voucher_wire import voucher_from_wire, voucher_to_wire
from domain_kit.clock import Clock
from domain_kit.refusals import InvalidArgument
from grpc_runtime import cause_of
from resource_api import Boolean, FilterFields, PageTokens, Text, apply_update_mask, page_size_of
from usher.booking.v1 import voucher_pb2
from usher.booking.v1 import voucher_service_pb2 as pb
from usher.booking.v1.voucher_service_pb2_grpc import VoucherServiceServicer

_FILTER = FilterFields({"code": Text(), "tag": Text(), "used_up": Boolean()})


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherParts:
    """What the rpcs work with."""

    desk: Desk
    vouchers: VoucherReader
    page_tokens: PageTokens
    clock: Clock


class VoucherServicer(VoucherServiceServicer):
    """usher.booking.v1.VoucherService."""

    def __init__(self, parts: VoucherParts) -> None:
        self._parts = parts

    async def CreateVoucher(self, request: pb.CreateVoucherRequest, context: object) -> voucher_pb2.Voucher:
        parts, draft = self._parts, draft_from_wire(request.voucher, self._parts.clock)
        return voucher_to_wire(*await create_voucher(
            parts.desk, parts.vouchers, event=request.parent, draft=draft, code=request.voucher.code,
            cause=cause_of(request, context),
        ))  # fmt: skip

    async def BatchCreateVouchers(
        self, request: pb.BatchCreateVouchersRequest, context: object
    ) -> pb.BatchCreateVouchersResponse:
        parts, draft = self._parts, draft_from_wire(without_code(request.voucher), self._parts.clock)
        made = await create_vouchers(
            parts.desk, parts.vouchers, event=request.parent, draft=draft, count=request.count,
            prefix=request.code_prefix, cause=cause_of(request, context),
        )  # fmt: skip
        return pb.BatchCreateVouchersResponse(vouchers=[voucher_to_wire(*each) for each in made])

    async def GetVoucher(self, request: pb.GetVoucherRequest, context: object) -> voucher_pb2.Voucher:
        return voucher_to_wire(*await self._parts.vouchers.get(request.name))

    async def ListVouchers(self, request: pb.ListVouchersRequest, context: object) -> pb.ListVouchersResponse:
        tokens, conditions = self._parts.page_tokens, conditions_from_filter(request.filter)
        page, following = await self._parts.vouchers.of_event(
            request.parent, conditions, after=tokens.cursor_of(request), limit=page_size_of(request)
        )
        token = tokens.token_for(request, following)
        return pb.ListVouchersResponse(vouchers=[voucher_to_wire(*each) for each in page], next_page_token=token)

    async def UpdateVoucher(self, request: pb.UpdateVoucherRequest, context: object) -> voucher_pb2.Voucher:
        parts, sent = self._parts, request.voucher
        return voucher_to_wire(*await update_voucher(
            parts.desk, parts.vouchers, name=sent.name, change=change_from_wire(sent, request.update_mask),
            etag=sent.etag, cause=cause_of(request, context),
        ))  # fmt: skip

    async def DeleteVoucher(self, request: pb.DeleteVoucherRequest, context: object) -> pb.DeleteVoucherResponse:
        cause = cause_of(request, context)
        await delete_voucher(self._parts.desk, name=request.name, etag=request.etag, cause=cause)
        return pb.DeleteVoucherResponse()


def draft_from_wire(message: voucher_pb2.Voucher, clock: Clock) -> Voucher:
    """A voucher that has no code yet."""
    now = clock()
    return voucher_from_wire(message, Voucher("", "", "", now, now))


def without_code(message: voucher_pb2.Voucher) -> voucher_pb2.Voucher:
    """The same message. InvalidArgument for one with a code: many vouchers cannot share it."""
    if message.code:
        raise InvalidArgument.of("voucher.code", "must be empty; each voucher gets a code of its own.")
    return message


def change_from_wire(patch: voucher_pb2.Voucher, mask: FieldMask) -> Callable[[Voucher], Voucher]:
    """What an update makes of a stored voucher. InvalidArgument UPDATE_MASK_INVALID, FIELD_IMMUTABLE when called."""

    def change(stored: Voucher) -> Voucher:
        return voucher_from_wire(apply_update_mask(voucher_to_wire(stored), patch, mask), stored)

    return change


def conditions_from_filter(text: str) -> list[Condition]:
    """InvalidArgument FILTER_INVALID. A code is asked for in any case."""
    return [
        Condition("voucher", str(each.value).lower(), each.operator == "=")
        if each.field == "code"
        else Condition(
            each.field, each.value if isinstance(each.value, bool) else str(each.value), each.operator == "="
        )
        for each in _FILTER.parse(text)
    ]
