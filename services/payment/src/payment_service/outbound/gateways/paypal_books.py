"""What PayPal says of an order and of the account, as ours."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain_kit.money import Money
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import (
    Action,
    ActionKind,
    Entry,
    GatewayRefund,
    Intent,
    IntentState,
    Order,
    Progress,
)
from payment_service.outbound.gateways.paypal_client import PayPalClient
from payment_service.outbound.gateways.paypal_errors import failure
from payment_service.outbound.gateways.said_no import unavailable

INTENTS = {True: "CAPTURE", False: "AUTHORIZE"}  # by whether an order is to be captured at once
TAKEN = ("COMPLETED", "PARTIALLY_REFUNDED", "REFUNDED")
PROGRESS = {"COMPLETED": Progress.SUCCEEDED, "FAILED": Progress.FAILED, "CANCELLED": Progress.FAILED}
LONGEST_SEARCH = timedelta(days=31)
# By the first letters of transaction event codes (https://developer.paypal.com/docs/reports/reference/tcodes/).
KINDS = {"T00": "charge", "T1106": "dispute", "T12": "dispute", "T11": "refund"}


def payments_of(order: Mapping[str, Any], kind: str) -> Sequence[Mapping[str, Any]]:
    """Captures, authorizations or refunds of the one purchase unit."""
    found: Sequence[Mapping[str, Any]] = (order["purchase_units"][0].get("payments") or {}).get(kind) or ()
    return found


def called_off(order: Order, found: Mapping[str, Any]) -> bool:
    """Whether we have made its intent another one than ours, so that it can be neither captured nor authorized."""
    return bool(found["intent"] != INTENTS[order.capture])


class PayPalBooks:
    """Reports of payment_service.domain.gateways, and how PayPal's orders are read."""

    def __init__(self, client: PayPalClient, capabilities: Capabilities) -> None:
        self._paypal, self._can = client, capabilities

    async def entries(self, since: datetime, until: datetime) -> Sequence[Entry]:
        """GET /v1/reporting/transactions, which is up to three hours behind."""
        found: list[Entry] = []
        while since < until:
            end = min(until, since + LONGEST_SEARCH)
            page, pages = 1, 1
            while page <= pages:
                _, answer = await self._paypal.transactions(
                    start_date=_written(since),
                    end_date=_written(end),
                    fields="transaction_info",
                    page_size=500,
                    page=page,
                )
                lines = [each["transaction_info"] for each in answer.get("transaction_details") or ()]
                found += [entry for line in lines if (entry := self._entry(line)) is not None]
                page, pages = page + 1, int(answer.get("total_pages") or 1)
            since = end
        return sorted(found, key=lambda each: each.time)

    def _entry(self, line: Mapping[str, Any]) -> Entry | None:
        code = str(line["transaction_event_code"])
        kind = next((KINDS[start] for start in (code, code[:3]) if start in KINDS), None)
        amount = line["transaction_amount"]
        if kind is None or line["transaction_status"] != "S" or amount["currency_code"] not in self._can.currencies:
            return None
        fee = (line.get("fee_amount") or {}).get("value", "0")
        return Entry(
            id=line["transaction_id"],
            kind=kind,
            reference=line.get("paypal_reference_id") or line["transaction_id"],
            key=str(line.get("custom_field") or "").partition(".")[0],
            amount=self._money({**amount, "value": str(amount["value"]).removeprefix("-")}),
            fee=self._money({"currency_code": amount["currency_code"], "value": str(-Decimal(fee))}),
            time=datetime.fromisoformat(line["transaction_initiation_date"]),
        )

    def _intent(self, order: Order, found: Any) -> Intent:
        try:
            return self._read(order, found)
        except (LookupError, TypeError, ValueError, ArithmeticError):
            raise unavailable() from None

    def _read(self, order: Order, found: Mapping[str, Any]) -> Intent:
        reference, status = str(found["id"]), found["status"]
        if status == "COMPLETED":
            return self._completed(reference, found)
        if status == "VOIDED" or called_off(order, found):
            return Intent(reference, IntentState.CANCELLED)
        if status == "APPROVED":
            return Intent(reference, IntentState.APPROVED)
        pages = [each["href"] for each in found.get("links") or () if each["rel"] in ("payer-action", "approve")]
        action = Action(ActionKind.REDIRECT, str(pages[0])) if pages else None
        return Intent(reference, IntentState.ACTION_REQUIRED if action else IntentState.PROCESSING, action=action)

    def _completed(self, reference: str, found: Mapping[str, Any]) -> Intent:
        captures, holds = payments_of(found, "captures"), payments_of(found, "authorizations")
        trace = ",".join(str(each["id"]) for each in (*holds, *captures))
        taken = [self._money(each["amount"]) for each in captures if each["status"] in TAKEN]
        if taken:
            also = tuple(str(each["id"]) for each in captures)  # by which its disputes know it
            return Intent(reference, IntentState.SUCCEEDED, captured=sum(taken[1:], taken[0]), trace=trace, also=also)
        last = str((captures or holds)[-1]["status"])
        if last in ("DECLINED", "DENIED", "FAILED"):
            return Intent(reference, IntentState.CANCELLED, failure=failure(last), trace=trace)
        states = {"CREATED": IntentState.AUTHORIZED, "VOIDED": IntentState.CANCELLED}
        return Intent(reference, states.get(last, IntentState.PROCESSING), trace=trace)

    def _money(self, amount: Mapping[str, Any]) -> Money:
        currency = str(amount["currency_code"])
        units = Decimal(str(amount["value"])).scaleb(self._can.currencies[currency].exponent)
        if units != int(units):
            raise ValueError("no amount of this currency")
        return self._can.money(int(units), currency)


def refund_of(made: Mapping[str, Any]) -> GatewayRefund:
    """Ours of PayPal's refund."""
    return GatewayRefund(str(made["id"]), PROGRESS.get(str(made["status"]), Progress.PENDING))


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
