"""No event is on sale in a currency that its organizer cannot be paid in; while nobody can say, it is all the same."""

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, Unavailable
from event_service.domain.currencies import OfferedCurrency
from event_service.domain.details import EventDetails
from event_service.domain.event import Event, State
from event_service.domain.offer import Offer
from event_service.domain.ticket_type import PricePhase, TicketType
from event_service.handlers.check_currencies import changed, new_ones
from event_service.outbound.takings import PaymentClient
from usher.payment.v1.payment_service_pb2 import ListPaymentCurrenciesResponse

NOW = datetime(2027, 3, 1, tzinfo=UTC)


class Takings:
    """What can be paid in; how often that was asked."""

    def __init__(self, codes: Collection[str] | None) -> None:
        self.codes, self.asked = codes, 0

    async def currencies(self, organizer: str) -> Collection[str] | None:
        assert organizer == "organizers/o"
        self.asked += 1
        return self.codes


def event(*prices: Money, offered: tuple[str, ...] = (), state: State = State.DRAFT) -> Event:
    types = tuple(TicketType(f"t{number}", "T", price, ("p",)) for number, price in enumerate(prices))
    currencies = tuple(OfferedCurrency(code, "2", NOW, "bank") for code in offered)
    own = prices[0].currency if offered else ""
    details = EventDetails("T", None, None, "UTC", currency_code=own, offered_currencies=currencies)
    return Event("events/e", "organizers/o", details, NOW, NOW, state, Offer(types))


async def after(takings: Takings, before: Event, decide) -> Event:
    async def change(wanted) -> Event:
        return wanted(before)[0]

    return await changed(takings, change, decide)


def publish(it: Event):
    return it.published(NOW)


EUR, USD = Money(100, "EUR"), Money(100, "USD")


async def test_what_is_on_sale_can_be_paid() -> None:
    takings = Takings({"EUR", "USD"})
    published = await after(takings, event(EUR, offered=("USD",)), publish)
    assert (published.state, published.unchecked, takings.asked) == (State.PUBLISHED, (), 1)


@pytest.mark.parametrize("it", [event(EUR, USD), event(EUR, offered=("USD",))])
async def test_a_currency_that_nobody_takes_is_refused_with_those_that_can_be_paid(it: Event) -> None:
    with pytest.raises(FailedPrecondition) as caught:
        await after(Takings({"EUR", "CAD"}), it, publish)
    assert (caught.value.reason, caught.value.metadata) == (
        "CURRENCY_NOT_TAKEN", {"currency_codes": "USD", "taken": "CAD,EUR"},
    )  # fmt: skip


async def test_what_is_free_is_not_asked_about() -> None:
    takings = Takings(set())
    assert (await after(takings, event(Money(0, "EUR")), publish)).state is State.PUBLISHED
    later = replace(event(Money(0, "EUR")), offer=Offer((TicketType("t", "T", Money(0, "EUR"), ("p",)),)))
    assert (later.charged, takings.asked) == (frozenset(), 0)


def test_a_price_of_a_phase_is_owed_too() -> None:
    phases = (PricePhase(EUR),)
    assert event().charged == frozenset()
    priced = TicketType("t", "T", Money(0, "EUR"), ("p",), price_phases=phases)
    assert replace(event(), offer=Offer((priced,))).charged == {"EUR"}


async def test_a_change_of_what_is_on_sale_is_asked_about_where_it_adds_a_currency() -> None:
    takings = Takings({"EUR"})
    before = event(EUR, state=State.PUBLISHED)
    dearer = event(EUR, Money(200, "EUR"), state=State.PUBLISHED)
    assert (await after(takings, before, lambda _: (dearer, ["fact"])), takings.asked) == (dearer, 0)
    with pytest.raises(FailedPrecondition, match="CURRENCY_NOT_TAKEN"):
        await after(takings, before, lambda _: (event(EUR, USD, state=State.PUBLISHED), ["fact"]))
    draft = event(USD)
    assert await after(takings, event(), lambda _: (draft, ["fact"])) == draft
    assert takings.asked == 1


async def test_while_nobody_can_say_it_goes_on_sale_and_says_so_until_the_next_change() -> None:
    """INVARIANT: payment holds up no event."""
    takings = Takings(None)
    published = await after(takings, event(EUR, USD), publish)
    assert (published.state, published.unchecked) == (State.PUBLISHED, ("EUR", "USD"))
    assert await after(takings, published, lambda it: (it, [])) == published
    takings.codes = {"EUR", "USD"}
    later = await after(takings, published, lambda it: (replace(it, update_time=NOW), ["fact"]))
    assert (later.unchecked, takings.asked) == ((), 2)


async def test_of_many_new_ones_their_organizer_is_asked_about_once() -> None:
    takings = Takings({"EUR"})
    some = [(event(EUR, state=State.PUBLISHED), ["fact"]), (event(USD), ["fact"])]
    assert await new_ones(takings, [*some, *some]) == [*some, *some]
    assert takings.asked == 1
    with pytest.raises(FailedPrecondition, match="CURRENCY_NOT_TAKEN"):
        await new_ones(takings, [(event(USD, state=State.PUBLISHED), ["fact"])])


async def test_a_payment_service_that_is_away_says_nothing() -> None:
    class Stub:
        answers = [ListPaymentCurrenciesResponse(currency_codes=["EUR"]), Unavailable("X", "away")]

        async def ListPaymentCurrencies(self, asked, *, timeout):
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    client = PaymentClient(Stub())
    assert [await client.currencies("organizers/o") for _ in range(2)] == [{"EUR"}, None]
