"""Start paying what a booking owes."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from domain_kit.clock import Clock
from domain_kit.refusals import Aborted, AlreadyExists, FailedPrecondition, PermissionDenied, Refusal
from domain_kit.repository import Cause
from payment_service.domain.payment import Payment, begun
from payment_service.domain.ports import Bookings, Gateways, Owed, PaymentRepository
from payment_service.domain.states import State
from payment_service.handlers.begin_attempt import begin_attempt, wish_of
from payment_service.handlers.call_off_payment import call_off_payment

# Seconds between looks for the payment that was faster.
UNTIL_VISIBLE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the payer has chosen; empty: no wish. country: ISO 3166-1 alpha-2, where the payer is."""

    method: str = ""
    gateway: str = ""
    country: str = ""


async def create_payment(
    payments: PaymentRepository,
    bookings: Bookings,
    gateways: Gateways,
    id: str,
    booking: str,
    payer: str,
    chosen: Chosen = Chosen(),
    *,
    cause: Cause,
    clock: Clock,
) -> Payment:
    """The new payment, or the open one for what is owed; one for another amount or another way to pay is called off.

    FailedPrecondition BOOKING_NOT_PAYABLE, NOTHING_OWED, ANSWERS_REQUIRED, CURRENCY_NOT_TAKEN, NO_GATEWAY;
    InvalidArgument AMOUNT_NOT_CHARGEABLE; PermissionDenied; Unavailable, with nothing written.
    """
    first = not payments.knows_of(booking)
    if not first and (earlier := await payments.answer_to(cause)):
        return earlier
    owed: Owed | None = None
    try:
        owed = await _owed_by(bookings, booking, payer)
        if first:
            # The store refuses a second payment, so nobody looks for one before something has been refused.
            with suppress(AlreadyExists):
                return await _begin(payments, gateways, owed, id, chosen, cause=cause, clock=clock)
    except Refusal:
        if first and (there := await _there(payments, cause, owed, chosen)):
            return there
        raise
    if present := await payments.open_for(booking, owed.round):
        if _stands(present, owed, chosen):
            return present
        _check_payable(owed, clock())
        present = await call_off_payment(payments, gateways, present, cause=None, clock=clock)
        if present.open:  # its money came first; the booking will say that it cannot take it
            return present
    try:
        return await _begin(payments, gateways, owed, id, chosen, cause=cause, clock=clock)
    except AlreadyExists:
        # A store may refuse a second one before the first can be read.
        for pause in UNTIL_VISIBLE:
            if present := await payments.open_for(booking, owed.round):
                return present
            await asyncio.sleep(pause)
        raise Aborted("WRITE_CONFLICT", "Another payment of this booking came and went; try again.") from None


async def _begin(
    payments: PaymentRepository, gateways: Gateways, owed: Owed, id: str, chosen: Chosen, *, cause: Cause, clock: Clock
) -> Payment:
    """A new payment. AlreadyExists: this round of the booking has one."""
    now = clock()
    _check_payable(owed, now)
    draft = Payment(
        f"payments/{id}", owed.booking, owed.buyer, owed.organizer, owed.total, (), now, now,
        buyer_email=owed.buyer_email, buyer_country=chosen.country, wanted_method=chosen.method, round=owed.round,
    )  # fmt: skip
    ranking = await gateways.ranking(wish_of(draft, chosen.gateway), owed.organizer)
    draft = replace(draft, reserve=ranking.reserve)
    # Before the commit: an order that nobody knows of is harmless, a payment without one would not be.
    attempt = await begin_attempt(gateways, ranking, draft, now)
    payment, made = begun(replace(draft, attempts=(attempt,)))
    return await payments.create(payment, made, cause=cause)


async def _owed_by(bookings: Bookings, booking: str, payer: str) -> Owed:
    owed = await bookings.owed(booking)
    if owed.buyer != payer:
        raise PermissionDenied("NOT_THE_BUYER", "Only the buyer pays for a booking.", metadata={"resource": booking})
    return owed


async def _there(payments: PaymentRepository, cause: Cause, owed: Owed | None, chosen: Chosen) -> Payment | None:
    """What was answered before, or the payment that stands, where no new one can be begun."""
    if earlier := await payments.answer_to(cause):
        return earlier
    present = None if owed is None else await payments.open_for(owed.booking, owed.round)
    return present if present is not None and owed is not None and _stands(present, owed, chosen) else None


def _stands(present: Payment, owed: Owed, chosen: Chosen) -> bool:
    """Whether the open payment is not to give way to another."""
    return not present.undecided or (present.amount == owed.total and _is_wanted(present, chosen))


def _is_wanted(payment: Payment, chosen: Chosen) -> bool:
    """Whether it is paid as chosen; money that is moving is left to move."""
    attempt = payment.current
    same = chosen.method in ("", attempt.method) and chosen.gateway in ("", attempt.gateway)
    return same or payment.state in (State.PROCESSING, State.AUTHORIZED)


def _check_payable(owed: Owed, now: datetime) -> None:
    if owed.held_until is None or owed.held_until <= now:
        state = owed.state if owed.held_until is None else "EXPIRED"
        raise FailedPrecondition(
            "BOOKING_NOT_PAYABLE", f"A booking that is {state.lower()} cannot be paid.", metadata={"state": state}
        )
    if owed.total.minor_units <= 0:
        raise FailedPrecondition("NOTHING_OWED", "This booking costs nothing; confirm it.")
    if owed.missing_answers:
        raise FailedPrecondition(
            "ANSWERS_REQUIRED",
            "The event asks for answers that must be there before it is paid.",
            metadata={"questions": ",".join(owed.missing_answers)},
        )
