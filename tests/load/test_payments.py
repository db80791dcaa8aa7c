"""The payments part of the bench notices what it is there to notice."""

import asyncio
import json
import subprocess
import sys
from dataclasses import replace

import payers
import payment_books
import payments
import pytest

BOOKING = "events/e/bookings/1"
SUMS = {("stripe", "USD"): (1, 4000)}
GOOD = payment_books.Books(SUMS, SUMS, SUMS, [BOOKING], [BOOKING])


def test_books_that_tell_of_the_same_money_are_fine():
    assert payment_books.violations(GOOD) == []


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"sandbox": {("stripe", "USD"): (2, 8000)}}, "sandbox 2 of 8000, ledger 1 of 4000"),
        ({"ledger": {}}, "ledger 0 of 0"),
        ({"payments": {("adyen", "USD"): (1, 4000)}}, "adyen USD"),
        ({"ledger": {("stripe", "USD"): (1, 3999)}}, "ledger 1 of 3999"),
        ({"paid": [BOOKING, BOOKING]}, "paid twice"),
        ({"confirmed": []}, "paid or confirmed but not both"),
        ({"confirmed": [BOOKING, "events/e/bookings/2"]}, "first events/e/bookings/2"),
        ({"findings": ["entry 3 was altered"]}, "entry 3 was altered"),
    ],
)
def test_money_that_only_some_of_the_books_know_of_is_told(changed, complaint):
    """INVARIANT: the bench fails when sandbox, ledger, payments and bookings disagree."""
    assert complaint in " ".join(payment_books.violations(replace(GOOD, **changed)))


def paid(gateway="stripe", *, latencies=(1000,), whole=1.0, cpu=None):
    return payers.Paid(gateway, list(latencies), whole, whole, cpu or {})


def test_far_ends_and_payers_do_not_count_as_ours():
    cpu = {"payment": 0.02, "mongodb": 0.01, "sandbox": 5.0, "mail": 3.0, "clients": 7.0}
    assert payments.spent(paid(latencies=[1, 2], cpu=cpu)) == pytest.approx(0.015)


def test_a_gateway_is_measured_by_its_share_of_stripe_and_a_slow_one_by_the_others_p99():
    run = payments.Run(None, None, None, {})
    run.rounds = [paid(each.gateway, whole=1.0 if each.gateway == "stripe" else 4.0) for each in payers.HANDS]
    run.alone, run.beside = [paid(latencies=[1000])], [paid(latencies=[3000])]
    run.bare = [10.0, 50.0, 60.0]
    found = {each.name: each.value for each in payments.found(run, [(0.5, 0.4)], 1000)}
    assert found["payments/s at adyen ÷ Stripe"] == pytest.approx(0.25)
    assert found["p99 at Stripe beside a gateway that takes 30 s ÷ without it"] == pytest.approx(3.0)
    assert found["payments at Stripe per 1,000 bare rpcs (60/s where a machine makes 4,000 of them)"] == pytest.approx(
        20
    )
    assert found["s to verify 1,000 ledger entries"] == pytest.approx(0.5)


async def test_payers_book_pay_and_agree_as_their_gateway_wants_it():
    """Two servers in one: Usher's API, and a pay page that has to be visited between creating and confirming."""
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            length = 0
            while (more := await reader.readline()) != b"\r\n":
                length = int(more.split(b":")[1]) if more.startswith(b"content-length") else length
            method, path, _ = head.decode().split()
            said = (await reader.readexactly(length)).decode()
            seen.append(f"{method} {path.split('?')[0]} {said}")
            payment = {"name": "payments/p", "state": "PAYMENT_STATE_REQUIRES_ACTION"}
            answer = payment
            if path.startswith("/v1/payments?"):
                answer = {**payment, "action": {"value": f"http://127.0.0.1:{port}/pay/paypal/o"}}
            if method == "GET":
                answer = {**payment, "state": "PAYMENT_STATE_SUCCEEDED"}
            if path.startswith("/v1/events") and "bookings" in path:
                answer = {"name": BOOKING}
            body = json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    common = {"gateway": f"127.0.0.1:{port}", "sandbox": f"127.0.0.1:{port}", "tokens": ["t"], "prefix": "p"}
    paypal = next(each for each in payers.HANDS if each.gateway == "paypal")
    jobs = [
        {**common, "holds": 2, "event": "events/e", "ticket_type": "events/e/ticketTypes/t"},
        {**common, **paypal.job(), "bookings": [[BOOKING]], "seconds": 20.0},
    ]
    async with server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-Es", str(payers.Payers.program), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate("".join(json.dumps(job) + "\n" for job in jobs).encode())
    held, told = map(json.loads, output.splitlines())
    assert held["bookings"] == [[BOOKING, BOOKING]]
    assert told["payments"] == [["payments/p", "PAYMENT_STATE_SUCCEEDED", BOOKING]]
    assert len(told["latencies"]) == 1
    assert [each.split(" {")[0] for each in seen[2:]] == [
        "POST /v1/payments", "POST /pay/paypal/o pays=yes", "POST /v1/payments/p:confirm", "GET /v1/payments/p ",
    ]  # fmt: skip
