"""What the money must say when everything has come to rest: gateways, ledger, payments, bookings and tickets alike."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from audit import REST_SECONDS, Books, until_it_holds
from onsale import Sale, World, database_uri

from booking_service.domain.states import TicketState
from domain_kit.money import Money
from gateway_sandbox.providers import CARD_NETWORK, PROVIDERS
from local_stack.readiness import LOOPBACK
from mongo_store import Database, open_database
from payment_service.domain.ledger import FactKind
from payment_service.domain.open_work import Work
from payment_service.domain.payment import Payment
from payment_service.domain.refund import RefundState
from payment_service.outbound.bookkeeping import INVOICES_DUE, UNCHAINED
from payment_service.outbound.documents import from_document
from payment_service.outbound.ledger import BALANCES, entries_of, verified
from payment_service.outbound.repositories import COLLECTION as PAYMENTS

GATEWAYS = (CARD_NETWORK, *PROVIDERS)
# What is there for a moment only. A payer who goes away leaves work too, but none that is urgent.
WAITING: Mapping[str, Mapping[str, Any]] = {UNCHAINED: {}, INVOICES_DUE: {}, PAYMENTS: {"work": Work.URGENT.value}}
# Money taken and paid back, in minor units by currency.
Totals = tuple[Counter[str], Counter[str]]


class Till:
    """What the gateways of a stack have on their own books, and what we say about it, all read at one time."""

    def __init__(self, world: World, sale: Sale) -> None:
        self.world, self.sale = world, sale
        self.payments: dict[str, Payment] = {}
        self.theirs: dict[str, Totals] = {}
        self.ours: dict[str, Totals] = {}
        self.charges: Counter[str] = Counter()  # (order's key) → how often money was taken for it
        self.balances: Counter[str] = Counter()
        self.faults: list[str] = []
        self.waiting: list[str] = []

    async def read(self) -> "Till":
        await asyncio.to_thread(self._ask_gateways)
        async with open_database(database_uri(self.world.stack), "usher_payment") as database:
            below = {"booking": {"$gte": f"{self.sale.event}/", "$lt": f"{self.sale.event}0"}}
            async for document in database.collection(PAYMENTS).find(below):
                self.payments[document["_id"]] = from_document(document)
            for gateway in GATEWAYS:
                self.ours[gateway] = await _booked(database, gateway)
            async for account in database.collection(BALANCES).find({}):
                self.balances[account["currency"]] += account["amount"]
            self.faults = [f"{each.fault.value} {each.what}" for each in (await verified(database)).findings]
            for collection, which in WAITING.items():
                found = [each["_id"] async for each in database.collection(collection).find(which)]
                self.waiting += [f"{collection} {each}" for each in found]
        return self

    def _ask_gateways(self) -> None:
        port = self.world.stack.state().ports["sandbox"]
        with httpx.Client(base_url=f"http://{LOOPBACK}:{port}/_sandbox", timeout=30.0) as sandbox:
            for gateway in GATEWAYS:
                totals = sandbox.get(f"{gateway}/totals").json()["currencies"]
                self.theirs[gateway] = (
                    Counter({currency: each["charged"] for currency, each in totals.items() if each["charged"]}),
                    Counter({currency: each["refunded"] for currency, each in totals.items() if each["refunded"]}),
                )
                for charge in sandbox.get(f"{gateway}/charges").json()["charges"]:
                    order = charge["order"] if "order" in charge else charge["metadata"].get("order", "")
                    self.charges[order] += charge["captured"]

    def times_charged(self, payment: Payment) -> int:
        """Over all its orders, at all gateways."""
        return sum(self.charges[each.key] for each in payment.attempts)


async def _booked(database: Database, gateway: str) -> Totals:
    """What went through a gateway's account by the ledger."""
    taken: Counter[str] = Counter()
    back: Counter[str] = Counter()
    until = datetime.now(UTC) + timedelta(days=1)
    async for entry in entries_of(database, f"gateways/{gateway}", until - timedelta(days=30), until):
        moved = [each.amount for each in entry.postings if each.account.name == f"gateways/{gateway}/clearing"]
        for amount in moved:
            if entry.kind is FactKind.CAPTURED:
                taken[amount.currency] += amount.minor_units
            if entry.kind is FactKind.REFUND_COMPLETED:
                back[amount.currency] -= amount.minor_units
    return taken, back


def the_ledger_is_sound(till: Till) -> None:
    """INVARIANT: the chain is whole, every entry and all of them sum to zero, and no fact waits to be written down."""
    assert till.faults == []
    assert {currency: total for currency, total in till.balances.items() if total} == {}
    assert till.waiting == []


def gateways_and_ledger_agree(till: Till) -> None:
    """INVARIANT: what a gateway took and paid back is what the ledger says, to the minor unit."""
    assert till.theirs == till.ours


def money_and_tickets_agree(till: Till, books: Books, price: Money) -> None:
    """INVARIANT: every ticket was paid for once, and what was not kept as tickets has gone back.

    price: of each ticket of the sale.
    """
    assert {each.name: till.times_charged(each) for each in till.payments.values()} == {
        each.name: int(each.succeed_time is not None) for each in till.payments.values()
    }
    kept: Counter[str] = Counter()
    for payment in till.payments.values():
        pending = [each for each in payment.refunds if each.state is RefundState.PENDING]
        assert pending == [], payment.name
        if payment.succeed_time is not None:
            kept[payment.booking] += payment.amount.minor_units - payment.refunded.minor_units
    valid = {
        booking.name: sum(each.state is TicketState.VALID for each in booking.tickets) * price.minor_units
        for booking in books.bookings.values()
    }
    assert {name: amount for name, amount in kept.items() if amount} == {
        name: amount for name, amount in valid.items() if amount
    }
    issued = sum(len(booking.tickets) for booking in books.bookings.values())
    turned_away = sum(len(booking.unclaimed) for booking in books.bookings.values())
    taken = sum(till.times_charged(each) for each in till.payments.values())
    assert taken == issued + turned_away


def prices_of(payments: Mapping[str, Payment]) -> set[Money]:
    return {each.amount for each in payments.values()}


async def money_comes_to_rest(world: World, sale: Sale, *, within: float = REST_SECONDS) -> Till:
    """All of the above, as soon as everything has arrived; every booking of the sale is one ticket at one price."""

    async def arrived() -> Till:
        till, books = await Till(world, sale).read(), await Books(world, sale).read()
        the_ledger_is_sound(till)
        gateways_and_ledger_agree(till)
        [price] = prices_of(till.payments) or {Money(0, "EUR")}
        money_and_tickets_agree(till, books, price)
        return till

    return await until_it_holds(arrived, within)
