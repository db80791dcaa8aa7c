"""Makes vouchers with codes that cannot be guessed, changes them and takes them back."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace

from booking_service.domain.commands import CreateVouchers, DeleteVoucher, UpdateVoucher
from booking_service.domain.commands.vouchers import VoucherBatch
from booking_service.domain.ports import Desk
from booking_service.domain.voucher import Voucher, voucher_key
from booking_service.domain.voucher_ports import Counted, VoucherReader
from booking_service.handlers.asking import ask
from booking_service.handlers.change_booking import event_of
from domain_kit.ids import new_id
from domain_kit.repository import Cause

# 32 characters that nobody mistakes for one another, so that 16 of them are 80 bits.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_LENGTH = 16


async def create_voucher(
    desk: Desk, vouchers: VoucherReader, *, event: str, draft: Voucher, code: str, cause: Cause
) -> Counted:
    """The voucher as it is by now. code: "" for one that is chosen. Refusals as `CreateVouchers`."""
    voucher = with_code(draft, event, code or new_code())
    made = await ask(desk, CreateVouchers(event, [voucher]), cause, Voucher)
    return await vouchers.get(made.name)


async def create_vouchers(
    desk: Desk, vouchers: VoucherReader, *, event: str, draft: Voucher, count: int, prefix: str, cause: Cause
) -> Sequence[Counted]:
    """All of them or none. Refusals as `CreateVouchers`."""
    wanted = [with_code(draft, event, prefix + new_code()) for _ in range(count)]
    command = CreateVouchers(event, wanted, f"{event}/voucherBatches/{new_id()}")
    return await vouchers.many((await ask(desk, command, cause, VoucherBatch)).vouchers)


async def update_voucher(
    desk: Desk, vouchers: VoucherReader, *, name: str, change: Callable[[Voucher], Voucher], etag: str, cause: Cause
) -> Counted:
    """The voucher as it is by now; refusals as `UpdateVoucher`."""
    changed = await ask(desk, UpdateVoucher(event_of(name), name, change, etag), cause, Voucher)
    return await vouchers.get(changed.name)


async def delete_voucher(desk: Desk, *, name: str, etag: str, cause: Cause) -> None:
    """Refusals as `DeleteVoucher`."""
    await desk.submit(DeleteVoucher(event_of(name), name, etag), cause)


def with_code(draft: Voucher, event: str, code: str) -> Voucher:
    """The voucher of that code."""
    return replace(draft, name=voucher_key(event, code)[1], event=event, code=code)


def new_code() -> str:
    """80 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
