"""Take a gateway's word that something has happened, and look for oneself what."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress

from domain_kit.clock import Clock
from domain_kit.crash_points import crash_point
from domain_kit.refusals import NotFound
from domain_kit.repository import Cause
from payment_service.domain.gateways import Notice
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.handlers.settle_payment import settle_payment

PATIENCE = 2.0  # seconds in which a gateway's webhook may wait for its acknowledgement


async def _nobody_asks(_of: str) -> bool:
    return False


async def is_applied(
    payments: PaymentRepository,
    gateway: str,
    notice: Notice,
    *,
    heard: Callable[[str], Awaitable[bool]],
    all_heard: Callable[[str], Awaitable[bool]] = _nobody_asks,
    patience: float = PATIENCE,
) -> bool:
    """Whether this process itself has written that an order was paid, and the notice says no more; nobody is asked.

    heard, all_heard: as receive_notice; so long a confirmation that is under way is waited for, which most often says
    it first.
    """
    if not notice.paid:
        return False
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            name = payments.name_of(gateway, notice.key, notice.reference)
            if name is not None:
                await heard(name)
            elif notice.reference and not notice.key:
                await all_heard(gateway)
    name = payments.name_of(gateway, notice.key, notice.reference)
    payment = None if name is None else payments.written_last(name)
    if payment is None or not payment.paid_by:
        return False
    return payment.attempt_with(notice.key, notice.reference) == payment.paid_by


async def receive_notice(
    payments: PaymentRepository,
    gateways: Gateways,
    gateway: str,
    notice: Notice,
    *,
    clock: Clock,
    heard: Callable[[str], Awaitable[bool]] = _nobody_asks,
    all_heard: Callable[[str], Awaitable[bool]] = _nobody_asks,
    telling: Callable[[str], AbstractContextManager[object]] = nullcontext,
) -> None:
    """Settle the payment that a notice is about, once. NotFound for an unknown order: to be looked at again then.

    heard: returns when nobody in this process is confirming the payment any more, and whether that took a while.
    all_heard: the same for all that are being confirmed at a gateway: where it gives an order its reference with the
    confirmation, its notice can come before that is written.
    telling: what its gateway is asked in, so that a confirmation that begins meanwhile can wait for it.
    """
    if not notice.key and not notice.reference:
        return
    cause = Cause(f"{gateway}|{notice.id}", actor=f"gateways/{gateway}")
    payment = await payments.with_order(gateway, notice.key, notice.reference)
    if payment is None and not notice.key and await all_heard(gateway):
        payment = await payments.with_order(gateway, notice.key, notice.reference)
    if payment is None:
        raise NotFound("ORDER_UNKNOWN", "No payment has this order.", metadata={"gateway": gateway})
    if notice.paid and not payment.paid_by and await heard(payment.name):
        payment = await payments.get(payment.name)
    number = payment.attempt_with(notice.key, notice.reference)
    if notice.paid and number and number == payment.paid_by:
        return  # the confirmation was faster
    with telling(payment.name):
        if await payments.answer_to(cause) is not None:
            return
        crash_point("payment.notice.before_settled")
        await settle_payment(payments, gateways, payment.name, clock=clock, cause=cause, attempt=number, word=notice)
        crash_point("payment.notice.after_settled")
