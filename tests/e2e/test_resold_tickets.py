"""A ticket that is sold on: its buyer pays by one gateway, its seller has the price back by another, to the cent."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from usher_cli.accounts import Account, eventually
from usher_cli.api import Api, Document, fresh_id

pytestmark = pytest.mark.timeout(300)
PRICE, CENTS = {"currencyCode": "USD", "units": "33", "nanos": 350_000_000}, 3335


class Customer:
    """Somebody who books, pays, and offers what they have."""

    def __init__(self, api: Api, account: Account) -> None:
        self.api, self.token = api, account.token

    def post(self, path: str, body: Mapping[str, Any]) -> Document:
        answer: Document = self.api.post(f"/v1/{path}", body, token=self.token, query={"requestId": fresh_id()})
        return answer

    def act(self, path: str, **body: Any) -> Document:
        answer: Document = self.api.post(f"/v1/{path}", {"requestId": fresh_id(), **body}, token=self.token)
        return answer

    def get(self, name: str) -> Document:
        answer: Document = self.api.get(f"/v1/{name}", token=self.token)
        return answer

    def buys(self, event: str, kind: str, quantity: int, gateway: str, card: str) -> tuple[str, str]:
        """Names of the booking, which is confirmed, and of its payment."""
        booking = self.post(f"{event}/bookings", {"lines": [{"ticketType": kind, "quantity": quantity}]})["name"]
        query = {"requestId": fresh_id(), "preferredGateway": gateway}
        wanted = {"booking": booking, "method": "card"}
        payment = self.api.post("/v1/payments", wanted, token=self.token, query=query)
        assert payment["gateway"] == gateway, payment
        self.act(f"{payment['name']}:confirm", paymentMethod=card)
        self.until(lambda: self.get(booking)["state"] == "BOOKING_STATE_CONFIRMED", "tickets")
        return booking, payment["name"]

    def until(self, holds: Callable[[], bool], what: str) -> None:
        eventually(lambda: holds() or None, seconds=60, what=what)


def cents(money: Mapping[str, Any]) -> int:
    return int(money.get("units", 0)) * 100 + int(money.get("nanos", 0)) // 10_000_000


def charged(sandbox: Any, gateway: str, payment: Document) -> list[int]:
    """Minor units taken for a payment at its gateway."""
    names = {payment["gatewayReference"], f"charge_{payment['gatewayReference']}"}
    found = [each for each in sandbox.charges(gateway) if names & {each["id"], each.get("payment_intent")}]
    return [each["amount_captured"] for each in found if each["captured"]]


def test_who_sells_a_ticket_on_has_exactly_its_price_back_when_it_is_paid(
    api: Api, world, sandbox, open_sale, read
) -> None:
    """INVARIANT: a resale takes the price once from who buys and gives it once to who sold, and the organizer has no
    more and no less by it.
    """
    event, kind = open_sale(PRICE, 2, resaleAllowed=True)
    ada, bob = Customer(api, world.journey.buyer), Customer(api, world.stranger)
    hers, her_payment = ada.buys(event, kind, 2, "stripe", "pm_card_visa")
    tickets = [each["name"] for each in ada.get(hers)["tickets"]]
    his: list[tuple[str, str]] = []
    for number, ticket in enumerate(tickets, 1):
        [offer] = ada.act(f"{hers}:offerForResale", tickets=[ticket])["resaleOffers"]
        assert cents(offer["price"]) == CENTS
        assert cents(ada.get(her_payment).get("refundedAmount", {})) == CENTS * (number - 1)
        his.append(bob.buys(event, kind, 1, "square", "cnon:card-nonce-ok"))
        ada.until(lambda: cents(ada.get(her_payment)["refundedAmount"]) == CENTS * number, "the price of the ticket")  # noqa: B023 called at once
        assert ada.get(offer["name"])["state"] == "RESALE_OFFER_STATE_SOLD"
    assert ada.get(her_payment)["state"] == "PAYMENT_STATE_REFUNDED"
    assert {each["state"] for each in ada.get(hers)["tickets"]} == {"TICKET_STATE_VOID"}
    assert charged(sandbox, "stripe", ada.get(her_payment)) == [2 * CENTS]
    [charge] = [
        each for each in sandbox.charges("stripe") if each["payment_intent"] == ada.get(her_payment)["gatewayReference"]
    ]
    assert charge["amount_refunded"] == 2 * CENTS
    for booking, payment in his:
        [ticket] = bob.get(booking)["tickets"]
        assert ticket["state"] == "TICKET_STATE_VALID"
        paid = bob.get(payment)
        assert (paid["state"], cents(paid["amount"])) == ("PAYMENT_STATE_SUCCEEDED", CENTS)
        assert charged(sandbox, "square", paid) == [CENTS]
    payments = {her_payment, *(payment for _, payment in his)}

    def booked() -> bool | None:
        entries = api.get(
            f"/v1/{world.journey.organizer}/ledgerEntries", token=world.journey.owner_token, query={"pageSize": 200}
        )["ledgerEntries"]
        moved = {
            kind: sum(
                max(cents(posting["amount"]), 0)
                for entry in entries
                if entry["payment"] in payments and entry["kind"] == f"LEDGER_ENTRY_KIND_{kind}"
                for posting in entry["postings"]
            )
            for kind in ("CAPTURED", "REFUND_COMPLETED")
        }
        return moved == {"CAPTURED": 4 * CENTS, "REFUND_COMPLETED": 2 * CENTS} or None

    eventually(booked, seconds=30, what="the resale in the ledger")
