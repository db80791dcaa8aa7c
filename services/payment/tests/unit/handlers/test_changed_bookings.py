"""What a changed booking owes and is due back, over its payments."""

from dataclasses import replace

import pytest
from google.type.money_pb2 import Money as MoneyMessage

from domain_kit.money import Money
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.payment import Payment
from payment_service.domain.states import State
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_facts

BOOKING = "events/e/bookings/b"
VISA, DECLINED, SECURE, SLOW = (
    "pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired", "pm_card_pendingRefund",
)  # fmt: skip


def owes(shop, amount: int, *claimed: str) -> None:
    known = shop.world.bookings.known
    known[BOOKING] = replace(known[BOOKING], total=Money(amount, "CAD"), claimed=claimed)


async def extra_paid(shop, *earlier: Payment, amount: int) -> Payment:
    owes(shop, amount, *(each.name for each in earlier))
    return await shop.paid()


async def test_the_price_of_a_change_is_a_payment_of_its_own(shop) -> None:
    first = await shop.paid()
    second = await extra_paid(shop, first, amount=700)
    assert (second.amount, second.booking) == (Money(700, "CAD"), BOOKING)
    assert second.name != first.name
    assert second.open
    assert first.open


async def test_money_that_the_booking_has_not_taken_yet_keeps_anybody_from_paying_twice(shop) -> None:
    """INVARIANT: what is owed is charged once, also while booking has not heard of the money."""
    first = await shop.paid()
    assert (await shop.create()).name == first.name
    second = await extra_paid(shop, first, amount=700)
    assert (await shop.create()).name == second.name
    assert sum(shop.world.gateway.charges.values()) == 2


async def test_asking_for_another_amount_calls_the_payment_for_the_old_one_off(shop) -> None:
    old = await shop.create()
    owes(shop, 2600)
    new = await shop.create()
    assert (await shop.world.payments.get(old.name)).state is State.CANCELLED
    assert (new.amount, new.state) == (Money(2600, "CAD"), State.PENDING)
    assert (await shop.create()).name == new.name


async def test_money_for_the_old_amount_that_came_first_is_not_asked_for_again(shop) -> None:
    old = await shop.create()
    shop.world.gateway.confirmed(old.current.reference, VISA)
    owes(shop, 2600)
    assert (await shop.create()).name == old.name
    unclaimed = booking_facts.PaymentUnclaimed(payment=old.name, reason="AMOUNT_MISMATCH")
    await shop.hear(unclaimed)
    new = await shop.create()
    assert (new.amount, new.state) == (Money(2600, "CAD"), State.PENDING)


def changed(kind: type = booking_facts.BookingChanged, due: int = 0, back: int = 0, payments: tuple[str, ...] = ()):
    booking = booking_pb2.Booking(
        name=BOOKING, payment=payments[0] if payments else "", extra_payments=payments[1:],
        amount_due=MoneyMessage(currency_code="CAD", units=due),
    )  # fmt: skip
    if not back:
        return kind(booking=booking)
    return kind(booking=booking, refund_due=MoneyMessage(currency_code="CAD", units=back))


@pytest.mark.parametrize("kind", [booking_facts.BookingChanged, booking_facts.BookingChangeExpired])
async def test_a_payment_for_what_is_not_owed_any_more_is_called_off(shop, kind: type) -> None:
    payment = await shop.create()
    for _ in range(2):
        await shop.hear(changed(kind, due=26))
    assert (await shop.world.payments.get(payment.name)).state is State.CANCELLED


async def test_a_payment_for_what_is_still_owed_goes_on(shop) -> None:
    owes(shop, 2600)
    payment = await shop.create()
    await shop.hear(changed(booking_facts.BookingChangeHeld, due=26))
    assert (await shop.world.payments.get(payment.name)).state is State.PENDING


async def test_what_is_due_back_is_paid_back_exactly_over_all_payments_and_once(shop) -> None:
    """INVARIANT: a refund that is due goes back to the minor unit, over as many payments as it takes, and once."""
    first = await shop.paid()
    second = await extra_paid(shop, first, amount=700)
    names = (first.name, second.name)
    for _ in range(2):
        await shop.hear(changed(back=5, payments=names), "01PART")
    for _ in range(2):
        await shop.hear(changed(back=10, payments=names), "01REST")
    after = [await shop.world.payments.get(name) for name in names]
    assert [each.refunded for each in after] == [Money(800, "CAD"), Money(700, "CAD")]
    assert [len(each.refunds) for each in after] == [1, 2]
    gateway = shop.world.gateway
    assert [gateway.paid_back(each.current.reference) for each in after] == [800, 700]


async def test_what_is_given_up_is_told_once_for_the_refunds_of_all_payments(shop) -> None:
    first = await shop.paid()
    second = await extra_paid(shop, first, amount=700)
    fact = changed(back=10, payments=(first.name, second.name))
    fact.removed_lines.add(quantity=1, total=MoneyMessage(currency_code="CAD", units=12))
    fact.tax_change.SetInParent()
    await shop.hear(fact, "01PART")
    (told,) = shop.world.known.receipts.values()
    assert told.total == Money(1200, "CAD")
    for name in (first.name, second.name):
        (refund,) = (await shop.world.payments.get(name)).refunds
        due = InvoiceDue(f"{name}/refunds/{refund.id}", shop.world.now(), name, BOOKING, "", "", refund.amount)
        assert due.receipt == told.source
