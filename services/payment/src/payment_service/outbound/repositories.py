"""Payments in MongoDB, with what is still to be asked of the gateway."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain_kit.repository import Cause, Decide, DomainEvent, Page
from mongo_store import Index, MongoRepository, Write
from mongo_store.gathering import Gathering, Waiting
from mongo_store.pieces import AT_ONCE
from mongo_store.repository import Journaling
from payment_service.domain.open_work import Work, next_look
from payment_service.domain.payment import Payment
from payment_service.domain.payment_books import UNPRICED, Books
from payment_service.domain.states import UNDECIDED
from payment_service.outbound.bookkeeping import book_writes
from payment_service.outbound.documents import UNRECORDED, from_document, orders_of, to_document
from payment_service.outbound.domain_events import encode
from payment_service.outbound.webhook_inbox import INBOX_INDEXES
from resource_api import etag_of

COLLECTION = "payments"
NO_WORK: Mapping[str, Any] = {"awaited": False, "work": None, "due": None}
REMEMBERED = 512  # payments that were written last; some kilobytes each
INDEXES = {
    COLLECTION: [
        Index("open_payment_of_a_round", [("booking", 1), ("round", 1)], unique=True, where={"open": True}),
        Index("by_reference", [("orders", 1)]),
        Index("by_payer", [("payer", 1), ("create_time", -1), ("_id", -1)]),
        Index("by_booking", [("booking", 1), ("create_time", -1), ("_id", -1)]),
        Index("by_organizer", [("organizer", 1), ("create_time", -1), ("_id", -1)]),
        Index("by_due", [("due", 1)], where={"awaited": True}),
    ],
    **INBOX_INDEXES,
}


def nobody() -> None:
    """For those who need not be told."""


@dataclass(slots=True)
class _Look:
    """Somebody wants to know the payments with one of these values of a field."""

    values: tuple[str, ...]
    found: Sequence[Payment] = ()


class MongoPayments(MongoRepository[Payment]):
    """payment_service.domain.ports.PaymentRepository. `on_urgent` is told when money has begun to move.

    books: how a change goes into the ledger, in the same commit.
    """

    def __init__(self, journal: Journaling, on_urgent: Callable[[], None] = nobody, books: Books = UNPRICED) -> None:
        def beside(before: Payment | None, after: Payment) -> Sequence[Write]:
            return book_writes(books, before, after)

        super().__init__(
            journal,
            collection=COLLECTION,
            to_document=_with_work,
            from_document=from_document,
            encode=encode,
            etag_of=etag_of,
            beside=beside,
            unrecorded=(*UNRECORDED, *NO_WORK),
            remembers=REMEMBERED,
        )
        self._on_urgent = on_urgent
        self._names: dict[str, str] = {}  # by order and by booking, of payments that were written last
        self._looks: Gathering[_Look] = Gathering(self._by_booking, lambda _: frozenset(), limit=AT_ONCE)
        self._orders: Gathering[_Look] = Gathering(self._by_order, lambda _: frozenset(), limit=AT_ONCE // 2)

    async def create(self, aggregate: Payment, domain_events: Sequence[DomainEvent], *, cause: Cause) -> Payment:
        """As MongoRepository."""
        return self._told(await super().create(aggregate, domain_events, cause=cause))

    async def update(self, name: str, decide: Decide[Payment], *, etag: str = "", cause: Cause) -> Payment:
        """As MongoRepository."""
        return self._told(await super().update(name, decide, etag=etag, cause=cause))

    def name_of(self, gateway: str, key: str, reference: str) -> str | None:
        """The payment with this order, as far as this process has written it and remembers; others may know more."""
        known = (self._names.get(f"{gateway}|{name}") for name in (key, reference) if name)
        return next((name for name in known if name is not None), None)

    def knows_of(self, booking: str) -> bool:
        """Whether this process has written a payment of a booking lately; others may have."""
        return booking in self._names

    async def answer_to(self, cause: Cause) -> Payment | None:
        """What this cause was answered before; InvalidArgument REQUEST_ID_REUSED."""
        document = await self._journal.answer_to(cause)
        return None if document is None else from_document(document)

    async def open_for(self, booking: str, taken: int) -> Payment | None:
        """The open payment of a booking for what it owes after so many payments. Concurrent calls share a query."""
        return next((payment for payment in await self._open_for(booking) if payment.round == taken), None)

    async def undecided_for(self, booking: str) -> Sequence[Payment]:
        """Open payments of a booking whose money may still come, oldest first. Concurrent calls share a query."""
        undecided = [payment for payment in await self._open_for(booking) if payment.state in UNDECIDED]
        return sorted(undecided, key=lambda payment: (payment.create_time, payment.name))

    async def with_order(self, gateway: str, key: str, reference: str) -> Payment | None:
        """The payment that has this order, by its key or any reference it has had. Concurrent calls share a query."""
        look = _Look(tuple(f"{gateway}|{name}" for name in (key, reference) if name))
        if look.values:
            await self._orders.submit(look)
        return look.found[0] if look.found else None

    async def list_page(self, whose: Mapping[str, Any], after: tuple[Any, ...] | None, limit: int) -> Page[Payment]:
        """The payments with these field values, newest first."""
        return await self.find_page(whose, sort=[("create_time", -1)], after=after, limit=limit)

    async def _open_for(self, booking: str) -> Sequence[Payment]:
        """Of few bookings at once, for `$in` compares each document found with each of them; neither sorted nor by
        state there, for then the embedded database passes the index of open payments by and reads all payments.
        """
        look = _Look((booking,))
        await self._looks.submit(look)
        return look.found

    async def _by_booking(self, batch: Sequence[Waiting["_Look"]]) -> None:
        await self._look(batch, "booking", {"open": True}, lambda payment: [payment.booking])

    async def _by_order(self, batch: Sequence[Waiting["_Look"]]) -> None:
        await self._look(batch, "orders", {}, lambda payment: [o for e in payment.attempts for o in orders_of(e)])

    async def _look(
        self,
        batch: Sequence[Waiting["_Look"]],
        field: str,
        also: Mapping[str, Any],
        values_of: Callable[[Payment], Sequence[str]],
    ) -> None:
        asked = list(dict.fromkeys(value for waiting in batch for value in waiting.work.values))
        documents = await self._journal.find(
            COLLECTION, {field: asked[0] if len(asked) == 1 else {"$in": asked}, **also}
        )
        found = [from_document(document) for document in documents]
        for waiting in batch:
            wanted = set(waiting.work.values)
            waiting.work.found = [payment for payment in found if wanted & set(values_of(payment))]
            waiting.settle(None)

    def _told(self, payment: Payment) -> Payment:
        self._names.update(dict.fromkeys((payment.booking, *orders_of(payment.attempts[-1])), payment.name))
        while len(self._names) > 4 * REMEMBERED:
            del self._names[next(iter(self._names))]
        if payment.work is Work.URGENT:
            self._on_urgent()
        return payment


def _with_work(payment: Payment) -> dict[str, Any]:
    """With when to ask the gateway next, or that there is nothing to ask any more."""
    work, since = payment.work, payment.update_time
    if work is None:
        return {**to_document(payment), **NO_WORK}
    due = {"awaited": True, "work": work.value, "due": next_look(work, since, since)}
    return {**to_document(payment), **due}
