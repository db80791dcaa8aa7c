"""Gateways as they are configured: opened, judged, ranked."""

import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, NotFound, Unavailable
from payment_service.domain.gateways import (
    ActionKind,
    Failure,
    FailureKind,
    Intent,
    IntentState,
    MethodKind,
    Order,
    Progress,
)
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.routing import Health, Wish
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateway_registry import KNOWN, open_gateways
from payment_service.outbound.resilient_gateway import REMEMBERED_SECONDS, Record, ResilientGateway
from resilience import Breaker, Resilient

CREDENTIALS = {
    "bank_transfer": {"holder": "Usher Ltd", "iban": "DE02120300000000202051", "bic": "BYLADEM1001"},
    "door": {"instructions": "Bring cash.", "priority": "1"},
}
ORDER = Order(
    "0a" * 16, "payments/p", "events/e/bookings/b", Money(1999, "EUR"), "bank_transfer", "Booking", "http://shop",
    datetime(2027, 3, 1, tzinfo=UTC),
)  # fmt: skip


class Organizers:
    settings = PaymentSettings()

    async def lately(self, _organizer: str) -> PaymentSettings:
        return self.settings


@pytest.fixture
async def registry():
    def guard(name: str, breaker: Breaker) -> Resilient:
        return Resilient(name, breaker=breaker)

    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(
            open_gateways(
                CREDENTIALS, Organizers(), public_url="http://shop", timeout=1.0, new_breaker=Breaker, guard=guard
            )
        )


async def test_only_those_with_an_entry_are_there_and_their_priority_counts(registry) -> None:
    ranking = await registry.ranking(Wish(Money(1999, "EUR")), "organizers/o")
    assert [each.gateway for each in ranking.candidates] == ["door", "bank_transfer"]
    assert all(each.kind is MethodKind.INSTRUCTIONS for each in ranking.candidates)
    with pytest.raises(Unavailable, match="GATEWAY_NOT_CONFIGURED"):
        registry.named("stripe")
    for name in ("stripe", "door"):
        with pytest.raises(NotFound, match="GATEWAY_UNKNOWN"):
            registry.webhooks(name)


@pytest.mark.parametrize(
    ("name", "told"),
    [("bank_transfer", ["Usher Ltd", "DE02120300000000202051", "USHER 0A0A0A0A0A0A"]), ("door", ["Bring cash."])],
)
async def test_the_payer_is_told_what_to_do_and_by_hand_nothing_is_ever_known(registry, name, told) -> None:
    gateway = registry.named(name)
    gateway.check_amount(ORDER.amount)
    begun = await gateway.begin(ORDER)
    assert (begun.state, begun.action.kind) == (IntentState.ACTION_REQUIRED, ActionKind.INSTRUCTIONS)
    assert all(each in begun.action.value for each in [*told, "19.99 EUR"])
    assert (await gateway.confirm(ORDER, begun.reference)).state is IntentState.ACTION_REQUIRED
    assert await gateway.find(ORDER, begun.reference) is None
    assert (await gateway.cancel(ORDER, begun.reference)).state is IntentState.CANCELLED
    back = await gateway.refund(ORDER, begun.reference, ORDER.amount, id="b" * 32)
    assert (back.progress, bool(back.reference)) == (Progress.PENDING, True)
    assert await gateway.refunds_of(ORDER, begun.reference, {"b" * 32: back.reference}) == {"b" * 32: back}
    assert list(await gateway.refunds_of(ORDER, begun.reference, {"b" * 32: ""})) == ["b" * 32]
    with pytest.raises(FailedPrecondition, match="CAPTURE_NOT_TAKEN"):
        await gateway.capture(ORDER, begun.reference, ORDER.amount)
    assert not gateway.keeps_tries


def test_sdks_of_gateways_that_are_not_configured_are_not_loaded() -> None:
    """INVARIANT: who does not use a gateway does not pay for its SDK in memory."""
    code = (
        "import sys, payment_service.composition; "
        "sdks = {'stripe', 'square', 'paypalserversdk', 'razorpay', 'Adyen', 'mercadopago', 'wechatpayv3', 'alipay'}; "
        "print(sorted(sdks & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["stripe", "bank_transfer", "door"])
def test_the_figures_of_a_gateway_are_read(name: str) -> None:
    assert name in KNOWN
    can = capabilities_of(name)
    assert can.takes(next(iter(can.methods)), "EUR")


class Scripted:
    """A gateway that answers as it is told."""

    name = "scripted"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    async def begin(self, _order: Order) -> Intent:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


OPEN = Intent("pi", IntentState.OPEN)
DOWN = Unavailable("GATEWAY_UNAVAILABLE", "down")
TROUBLE = replace(OPEN, failure=Failure("x", "y", FailureKind.GATEWAY))
DECLINE = replace(OPEN, failure=Failure("x", "y"))


async def test_trouble_speaks_against_a_gateway_and_a_decline_does_not() -> None:
    answers = [OPEN, DOWN, TROUBLE, DECLINE]
    breaker = Breaker("scripted", failures=50)
    gateway = ResilientGateway(Scripted(*answers), Resilient("scripted", breaker=breaker), breaker)
    assert gateway.health == Health()
    for answer in answers:
        try:
            await gateway.begin(ORDER)
        except Unavailable:
            assert answer is DOWN
    assert (gateway.health.calls, gateway.health.success_rate, gateway.health.breaker) == (4, 0.5, "closed")


async def test_an_open_breaker_shows() -> None:
    breaker = Breaker("scripted", failures=1)
    gateway = ResilientGateway(Scripted(DOWN), Resilient("scripted", breaker=breaker), breaker)
    with pytest.raises(Unavailable):
        await gateway.begin(ORDER)
    assert gateway.health.breaker == "open"


def test_what_is_long_ago_is_forgotten() -> None:
    now = [0.0]
    record = Record(lambda: now[0])
    record.note(False)
    now[0] = REMEMBERED_SECONDS / 2
    record.note(True)
    assert record.health("closed").success_rate == 0.5
    now[0] = REMEMBERED_SECONDS + 1
    assert record.health("closed") == Health(1.0, 1, "closed")
