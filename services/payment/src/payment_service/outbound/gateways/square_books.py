"""What Square has on its books, read through its SDK: payments by id or by time, and the lines of an account."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from domain_kit.money import Money
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import Entry, Intent, IntentState
from payment_service.outbound.gateways.said_no import unavailable
from payment_service.outbound.gateways.square_disputes import INQUIRIES
from payment_service.outbound.gateways.square_errors import answered, code_of, failure

STATES = {
    "PENDING": IntentState.PROCESSING,
    "APPROVED": IntentState.AUTHORIZED,
    "COMPLETED": IntentState.SUCCEEDED,
    "CANCELED": IntentState.CANCELLED,
    "FAILED": IntentState.CANCELLED,
}
ONCE: Any = {"max_retries": 0}


class SquareBooks:
    """Reports of payment_service.domain.gateways, and what the gateway itself reads."""

    def __init__(self, client: Any, location: str, capabilities: Capabilities) -> None:
        self._square, self._location, self._can = client, location, capabilities

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """GET /v2/payments, /v2/refunds and /v2/disputes: of one, when it was reported."""
        payments = {each.id: each for each in await self._payments(since, until)}
        found = [self._entry(each, "charge", each) for each in payments.values() if each.status == "COMPLETED"]

        async def listed() -> list[Any]:
            pages = await self._square.refunds.list(**self._span(since, until), request_options=ONCE)
            return [each async for each in pages]

        for refund in await answered(listed()):
            if refund.status == "COMPLETED" and refund.payment_id:
                payment = payments.get(refund.payment_id) or await self._payment(refund.payment_id)
                found.append(self._entry(refund, "refund", payment))
        found += [await self._of_dispute(each) for each in await self._disputes(since, until)]
        return sorted(found, key=lambda each: each.time)

    async def _disputes(self, since: datetime, until: datetime) -> list[Any]:
        """Square has all of a location, in no order of time; an inquiry takes nothing."""

        async def listed() -> list[Any]:
            pages = await self._square.disputes.list(location_id=self._location, request_options=ONCE)
            return [each async for each in pages]

        all_of_them = [each for each in await answered(listed()) if not str(each.state).startswith(INQUIRIES)]
        return [each for each in all_of_them if since <= datetime.fromisoformat(each.created_at) < until]

    async def _of_dispute(self, dispute: Any) -> Entry:
        return self._entry(dispute, "dispute", await self._payment(dispute.disputed_payment.payment_id))

    async def _payment(self, id: str) -> Any:
        return (await answered(self._square.payments.get(id, request_options=ONCE))).payment

    async def _get(self, id: str) -> Intent:
        return self._intent(await self._payment(id))

    async def _payments(self, since: datetime, until: datetime | None = None, total: int | None = None) -> list[Any]:
        async def listed() -> list[Any]:
            pages = await self._square.payments.list(**self._span(since, until), total=total, request_options=ONCE)
            return [each async for each in pages]

        return await answered(listed())

    def _span(self, since: datetime, until: datetime | None) -> Mapping[str, Any]:
        end = {"end_time": until.astimezone(UTC).isoformat()} if until else {}
        return {"begin_time": since.astimezone(UTC).isoformat(), **end, "location_id": self._location}

    def _intent(self, payment: Any) -> Intent:
        if payment is None or not payment.id or payment.amount_money is None:
            raise unavailable()
        state = STATES.get(payment.status, IntentState.PROCESSING)
        errors = (payment.card_details.errors if payment.card_details else None) or ()
        why = [failure(code_of(each.code), str(each.category)) for each in errors]
        return Intent(
            reference=payment.id,
            state=state,
            failure=(why[0] if why else failure("UNKNOWN", "")) if payment.status == "FAILED" else None,
            captured=self._money(payment.amount_money) if state is IntentState.SUCCEEDED else None,
            trace=payment.id,
        )

    def _money(self, money: Any) -> Money:
        return self._can.money(int(money.amount), str(money.currency))

    def _entry(self, thing: Any, kind: str, payment: Any) -> Entry:
        amount = self._money(thing.amount_money)
        fees = getattr(thing, "processing_fee", None) or ()  # a dispute has none
        fee = sum((each.amount_money.amount for each in fees if each.amount_money), 0)
        return Entry(
            id=thing.id,
            kind=kind,
            reference=payment.id,
            key=payment.reference_id or "",
            amount=amount,
            fee=self._can.money(fee, amount.currency),
            time=datetime.fromisoformat(thing.created_at),
        )
