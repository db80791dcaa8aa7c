"""A sale in two currencies through the whole platform and the payment sandbox: all money, to the minor unit."""

import json
from collections import Counter

import httpx
import pytest
from typer.testing import CliRunner

from domain_kit.ids import new_id
from local_stack.mail_folder import caught
from local_stack.stack import Stack
from usher_cli.accounts import Account, eventually
from usher_cli.api import Api, ApiRefusal, Document, fresh_id
from usher_cli.app import build

pytestmark = pytest.mark.timeout(300)
SECONDS = 40.0


def usher(stack: Stack, *arguments: str) -> Document:
    """A command of the platform's own command line, answering JSON."""
    run = CliRunner().invoke(build(), [*arguments, "--json", "--data", str(stack.folder)], catch_exceptions=False)
    assert run.exit_code == 0, run.output
    document: Document = json.loads(run.stdout)
    return document


def sold_in_euros(api: Api, world) -> tuple[str, str]:
    """A published event at 49 euros a ticket, of which all of the price goes back: names of event and ticket type."""
    token = world.journey.owner.token
    event = {
        "organizer": world.journey.organizer, "title": f"Yen and euros {new_id()}", "timeZone": "Europe/Paris",
        "startTime": "2031-05-01T18:00:00Z", "endTime": "2031-05-01T20:00:00Z", "currencyCode": "EUR",
        "venue": {"city": "Paris", "countryCode": "FR"}, "bookingTerms": {"changeAllowed": True},
    }  # fmt: skip
    name = api.post("/v1/events", event, token=token, query={"requestId": fresh_id()})["name"]
    hall = api.post(
        f"/v1/{name}/capacityPools", {"displayName": "Hall", "capacity": 20}, token=token,
        query={"requestId": fresh_id()},
    )["name"]  # fmt: skip
    price = {"currencyCode": "EUR", "units": "49"}
    ticket_type = {"displayName": "Seat", "price": price, "capacityPools": [hall], "taxClass": "standard"}
    sold = api.post(f"/v1/{name}/ticketTypes", ticket_type, token=token, query={"requestId": fresh_id()})["name"]
    api.post(f"/v1/{name}:publish", {"requestId": fresh_id()}, token=token)
    return name, sold


def on_offer(api: Api, event: str, lines: list[Document], token: str, rate: str) -> Document:
    """A quote in yen, as soon as the rate has reached booking."""
    wish = {"lines": lines, "currencyCode": "JPY"}

    def look() -> Document | None:
        try:
            quote: Document = api.post(f"/v1/{event}/bookings:quote", wish, token=token)
        except ApiRefusal as refusal:
            if refusal.reason not in {"RESOURCE_NOT_FOUND", "EVENT_NOT_ON_SALE", "CURRENCY_NOT_OFFERED"}:
                raise
            return None
        return quote if quote["exchange"]["rate"] == rate else None

    return eventually(look, seconds=SECONDS, what="the rate at booking")


def bought(api: Api, event: str, lines: list[Document], buyer: Account, currency: str) -> tuple[Document, Document]:
    """A booking that is paid by card, and its payment."""
    body = {"lines": lines, "currencyCode": currency}
    query = {"requestId": fresh_id()}
    held = api.post(f"/v1/{event}/bookings", body, token=buyer.token, query=query)
    methods = api.get(f"/v1/{held['name']}/paymentMethods", token=buyer.token)["paymentMethods"]
    assert any(each["method"] == "card" for each in methods)
    query = {"requestId": fresh_id(), "preferredGateway": "stripe"}
    payment = api.post("/v1/payments", {"booking": held["name"]}, token=buyer.token, query=query)
    assert payment["amount"] == held["amountDue"]
    body = {"paymentMethod": "pm_card_visa", "requestId": fresh_id()}
    paid = api.post(f"/v1/{payment['name']}:confirm", body, token=buyer.token)

    def confirmed() -> Document | None:
        booking: Document = api.get(f"/v1/{held['name']}", token=buyer.token)
        return booking if booking["state"] == "BOOKING_STATE_CONFIRMED" else None

    return eventually(confirmed, seconds=SECONDS, what="the confirmation"), paid


def minor(money: Document, digits: int) -> int:
    return int(money["units"]) * 10**digits + money["nanos"] // 10 ** (9 - digits)


def test_an_event_is_not_put_on_sale_in_a_currency_that_nobody_takes(api: Api, world) -> None:
    """Nor is one that is on sale offered in one: organizers hear of it, and not their buyers."""
    owner, organizer = world.journey.owner, world.journey.organizer
    event, _ = sold_in_euros(api, world)
    codes = api.get(f"/v1/{organizer}/paymentCurrencies")["currencyCodes"]
    assert ("CLF" in codes, {"EUR", "JPY"} <= set(codes)) == (False, True)
    for code in ("CLF", "JPY"):
        offered = {"currencyCode": code, "rate": "2", "rateTime": "2026-01-01T00:00:00Z", "rateSource": "ECB"}
        change = {"offeredCurrencies": [offered]}
        query = {"updateMask": "offeredCurrencies", "requestId": fresh_id()}
        if code == "JPY":
            changed = api.patch(f"/v1/{event}", change, token=owner.token, query=query)
            assert (len(changed["offeredCurrencies"]), changed["uncheckedCurrencyCodes"]) == (1, [])
            continue
        with pytest.raises(ApiRefusal) as caught:
            api.patch(f"/v1/{event}", change, token=owner.token, query=query)
        assert (caught.value.reason, "EUR" in str(caught.value)) == ("CURRENCY_NOT_TAKEN", True)


def test_an_event_in_euros_is_paid_in_yen_and_refunded_in_part_at_the_rate_it_was_held_with(
    stack: Stack, api: Api, world
) -> None:
    """INVARIANT: ledger, sandbox, bookings and figures say the same in each currency, whatever the rate is by then."""
    owner, buyer, organizer = world.journey.owner, world.journey.buyer, world.journey.organizer
    event, ticket_type = sold_in_euros(api, world)
    usher(stack, "rates", "set", event, "JPY=163.25", "--source", "ECB", "--token", owner.token)
    lines = [{"ticketType": ticket_type, "quantity": 3}]
    quote = on_offer(api, event, lines, buyer.token, "163.25")
    in_yen, yen = bought(api, event, lines, buyer, "JPY")
    assert (in_yen["total"], in_yen["exchange"]["rate"]) == (quote["total"], "163.25")
    assert (minor(in_yen["total"], 0), minor(in_yen["exchange"]["baseTotal"], 2)) == (3 * 7999, 3 * 4900)
    in_euros, euros = bought(api, event, lines[:1], buyer, "")
    assert (minor(in_euros["total"], 2), in_euros.get("exchange")) == (3 * 4900, None)

    usher(stack, "rates", "set", event, "JPY=200", "--source", "ECB", "--token", owner.token)
    on_offer(api, event, lines, buyer.token, "200")
    fewer = {"removeLines": [{"ticketType": ticket_type, "quantity": 1}], "requestId": fresh_id()}
    changed = api.post(f"/v1/{in_yen['name']}:change", fewer, token=buyer.token)
    assert (minor(changed["refundDue"], 0), changed["exchange"]["rate"]) == (7999, "163.25")

    def partly_refunded() -> Document | None:
        payment: Document = api.get(f"/v1/{yen['name']}", token=buyer.token)
        return payment if payment["state"] == "PAYMENT_STATE_PARTLY_REFUNDED" else None

    refunded = eventually(partly_refunded, seconds=SECONDS, what="the yen on their way back")
    assert refunded["refundedAmount"] == {"currencyCode": "JPY", "units": "7999", "nanos": 0}
    sandbox = f"http://127.0.0.1:{stack.state().ports['sandbox']}"
    for payment, expected in ((yen, (3 * 7999, "jpy", 7999)), (euros, (3 * 4900, "eur", 0))):
        query = {"payment_intent": payment["gatewayReference"]}
        [charge] = httpx.get(f"{sandbox}/_sandbox/charges", params=query).json()["charges"]
        assert (charge["amount"], charge["currency"], charge["amount_refunded"]) == expected

    def booked() -> list[Document] | None:
        page = api.get(f"/v1/{organizer}/ledgerEntries", token=owner.token, query={"pageSize": 1000})
        mine = [each for each in page["ledgerEntries"] if each["payment"] in (yen["name"], euros["name"])]
        kinds = {each["kind"] for each in mine if each["payment"] == yen["name"]}
        taxed = {"LEDGER_ENTRY_KIND_TAX", "LEDGER_ENTRY_KIND_TAX_RETURNED"} <= kinds
        return mine if taxed and "LEDGER_ENTRY_KIND_REFUND_COMPLETED" in kinds else None

    entries = eventually(booked, seconds=SECONDS, what="the refund in the ledger")
    sums: Counter[str] = Counter()
    for posting in (each for entry in entries for each in entry["postings"]):
        code = posting["amount"]["currencyCode"]
        sums[code] += minor(posting["amount"], 0 if code == "JPY" else 2)
    assert dict(sums) == {"JPY": 0, "EUR": 0}
    assert usher(stack, "ledger", "verify")["sound"]

    def invoice_of(kind: str) -> Document | None:
        page = api.get(f"/v1/{buyer.name}/invoices", token=buyer.token, query={"pageSize": 1000})
        mine = [each for each in page["invoices"] if each["payment"] == yen["name"] and each["kind"] == kind]
        return mine[0] if mine else None

    invoice, note = (
        eventually(lambda kind=kind: invoice_of(f"INVOICE_KIND_{kind}"), seconds=SECONDS, what=kind)
        for kind in ("INVOICE", "CREDIT_NOTE")
    )
    told = invoice["exchange"]
    assert (told["rate"], told["rateSource"], told["baseTotal"]["currencyCode"]) == ("163.25", "ECB", "EUR")
    assert (minor(told["baseTotal"], 2), minor(note["exchange"]["baseTotal"], 2)) == (3 * 4900, -4900)
    assert told["baseTaxes"]

    def figures(basis: str) -> dict[str, tuple[int, ...]]:
        """Currency → tickets sold, gross and refunded."""
        query = {"event": event, "currencyBasis": f"CURRENCY_BASIS_{basis}"}
        rows = api.get(f"/v1/{organizer}/sales:query", token=owner.token, query=query)["rows"]
        digits = {"JPY": 0, "EUR": 2}
        return {
            code: (int(row["ticketsSold"]), *(minor(row[each], digits[code]) for each in ("gross", "refunded")))
            for row in rows
            for code in [row["currencyCode"]]
        }

    for basis, counted in (
        ("PAID", {"JPY": (2, 3 * 7999, 7999), "EUR": (3, 3 * 4900, 0)}),
        ("EVENT", {"EUR": (5, 6 * 4900, 4900)}),
    ):

        def there(basis: str = basis, counted: dict[str, tuple[int, ...]] = counted) -> bool | None:
            return figures(basis) == counted or None

        eventually(there, seconds=SECONDS, what=f"{counted} in the figures")
    mails = [each for each in caught(stack.mail()) if in_yen["name"] in each.text]
    assert any("€147.00 at 1 EUR = 163.25 JPY" in each.text for each in mails)
