"""What Adyen says is on its books."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, Unavailable
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways import adyen_books
from payment_service.outbound.gateways.adyen_books import AdyenBooks

CAN = capabilities_of("adyen")
KNOWN = {"merchant_account": "UsherTEST", "report_user": "report@Company.Usher", "report_password": "hidden_word"}
HEADER = (
    "Psp Reference,Merchant Reference,Booking Date,Main Currency,Main Amount,Record Type,Settlement Currency,"
    "Commission (SC),Markup (SC),Scheme Fees (SC),Interchange (SC),Modification Merchant Reference"
)
DAY = datetime(2026, 11, 20, tzinfo=UTC)

only_adyen = pytest.mark.parametrize("far", ["adyen"], indirect=True)


def books(monkeypatch, *answers: httpx.Response | Exception, **changes: str) -> AdyenBooks:
    """Over a far side that gives these answers, one a day."""
    left = list(answers)

    @asynccontextmanager
    async def stream(self, method, url):
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        yield answer

    monkeypatch.setattr(httpx.AsyncClient, "stream", stream)
    return AdyenBooks({**KNOWN, **changes}, CAN, 5.0)


def file(*rows: str) -> httpx.Response:
    return httpx.Response(200, text="\ufeff" + "\r\n".join([HEADER, *rows]))


@only_adyen
async def test_charges_and_refunds_of_the_sandbox_are_on_them(far):
    order, done = await far.paid()
    made = await far.gateway.refund(order, done.reference, Money(1_000, "EUR"), id="a" * 32)

    async def settled():
        known = await far.refunds(order, done, {"a" * 32: made})
        return "a" * 32 in known

    await far.until(settled)
    now = datetime.now(UTC)
    entries = await far.gateway.entries(now - timedelta(minutes=5), now + timedelta(seconds=2))
    assert {(each.kind, each.reference, each.key, each.amount, each.fee) for each in entries} == {
        ("charge", done.reference, order.key, order.amount, Money(45, "EUR")),
        ("refund", done.reference, order.key, Money(1_000, "EUR"), Money(0, "EUR")),
    }


async def test_amounts_times_and_fees_are_read_as_adyen_writes_them(monkeypatch):
    rows = (
        "P1,k1,2026-11-20 00:30:00,JPY,500,SentForSettle,EUR,0.10,0.05,0.02,0.03,",
        "P2,k2,2026-11-20 10:00:00,KWD,5.120,SentForSettle,KWD,,,,,",
        "P2,k2,2026-11-20 11:00:00,KWD,-1.120,SentForRefund,KWD,,,,,r1",
        "P3,k3,2026-11-20 12:00:00,EUR,-45.00,Chargeback,EUR,,,,,",
        "P3,k3,2026-11-20 12:00:00,EUR,45.00,Authorised,EUR,,,,,",
    )
    entries = await books(monkeypatch, file(*rows)).entries(DAY, DAY + timedelta(hours=22))
    assert [(each.id, each.kind, each.amount, each.fee) for each in entries] == [
        ("P2", "charge", Money(5_120, "KWD"), Money(0, "KWD")),
        ("P2:r1", "refund", Money(1_120, "KWD"), Money(0, "KWD")),
        ("P3:dispute", "dispute", Money(4_500, "EUR"), Money(0, "EUR")),
    ]
    assert entries[0].time == datetime(2026, 11, 20, 9, tzinfo=UTC)  # written in Amsterdam
    early = await books(monkeypatch, file(), file(*rows)).entries(DAY - timedelta(hours=2), DAY)
    assert [(each.id, each.amount, each.fee) for each in early] == [("P1", Money(500, "JPY"), Money(20, "EUR"))]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(404), "GATEWAY_REPORT_NOT_READY"),
        (httpx.Response(401), "GATEWAY_REFUSES_US"),
        (httpx.Response(500), "GATEWAY_UNAVAILABLE"),
        (httpx.ConnectError("hidden_word"), "GATEWAY_UNAVAILABLE"),
        (httpx.Response(200, text="<html>"), "GATEWAY_UNAVAILABLE"),
        (file("P1,k1,soon,EUR,1.00,SentForSettle,EUR,,,,,"), "GATEWAY_UNAVAILABLE"),
        (file("P1,k1,2026-11-20 00:30:00,EUR,much,SentForSettle,EUR,,,,,"), "GATEWAY_UNAVAILABLE"),
    ],
)
async def test_what_cannot_be_read_is_never_taken_for_an_empty_report(monkeypatch, caplog, answer, reason):
    with pytest.raises((FailedPrecondition, Unavailable)) as caught:
        await books(monkeypatch, answer).entries(DAY, DAY + timedelta(hours=1))
    assert caught.value.reason == reason
    assert "hidden_word" not in caplog.text + str(caught.value)


async def test_without_a_report_user_there_are_no_reports(monkeypatch):
    with pytest.raises(FailedPrecondition, match="GATEWAY_REPORTS_NOTHING"):
        await books(monkeypatch, report_user="").entries(DAY, DAY)


async def test_a_file_that_is_too_large_is_not_read_on(monkeypatch):
    monkeypatch.setattr(adyen_books, "LARGEST_FILE_BYTES", 1000)
    with pytest.raises(Unavailable):
        await books(monkeypatch, httpx.Response(200, text="x" * 1001)).entries(DAY, DAY + timedelta(hours=1))
