"""Pay out what an organizer is owed."""

from datetime import datetime, timedelta

from domain_kit.clock import Clock
from domain_kit.refusals import Aborted, Unavailable
from domain_kit.repository import Cause
from payment_service.domain.ledger_ports import Ledger, Payouts
from payment_service.domain.payout import Payout, Position, entry_id, new_payout, positions
from payment_service.domain.terms import Terms, TermsBook

ATTEMPTS, ROUNDS = 5, 20


async def create_payout(
    ledger: Ledger,
    payouts: Payouts,
    terms: TermsBook,
    organizer: str,
    id: str,
    requester: str,
    *,
    cause: Cause,
    clock: Clock,
) -> Payout:
    """The new payout. FailedPrecondition NOTHING_PAYABLE; Aborted WRITE_CONFLICT; Unavailable LEDGER_BEHIND.

    INVARIANT: nothing is paid out twice. Each payout of an organizer knows how many there were before it, and is
    reckoned only when the entries of the last one are in the balances.
    """
    agreed = terms.of(organizer)
    for _ in range(ATTEMPTS):
        if earlier := await payouts.answer_to(cause):
            return earlier
        last, number = await payouts.last(organizer)
        await _chain_what_waits(ledger, last)
        now = clock()
        owed = await standing(ledger, agreed, organizer, now)
        payout, entries = new_payout(f"{organizer}/payouts/{id}", organizer, owed, agreed, requester, now)
        if made := await payouts.add(payout, entries, number, cause=cause):
            return made
    raise Aborted("WRITE_CONFLICT", f"Other payouts of {organizer} were made at the same time; try again.")


async def standing(ledger: Ledger, terms: Terms, organizer: str, now: datetime) -> list[Position]:
    """What an organizer is owed, by currency."""
    balances, recent = await ledger.standing(organizer, now - terms.holding)
    return positions(organizer, balances, recent)


async def _chain_what_waits(ledger: Ledger, last: str) -> None:
    for _ in range(ROUNDS):
        if not await ledger.chain() and (not last or await ledger.has(entry_id(last))):
            return
    if last and not await ledger.has(entry_id(last)):
        raise Unavailable(
            "LEDGER_BEHIND", "The last payout is still being booked; try again.", retry_after=timedelta(seconds=1)
        )
