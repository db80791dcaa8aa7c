"""The gateway that most pay through loses answers and dies in the middle of a sale, which goes on over another."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest

from access import TokenSigner
from domain_kit.ids import new_id
from local_stack.stack import Stack
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import booking_service_pb2 as booking_rpcs
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceStub
from usher.payment.v1 import payment_pb2
from usher.payment.v1 import payment_service_pb2 as payment_rpcs
from usher.payment.v1.payment_service_pb2_grpc import PaymentServiceStub
from usher_cli.accounts import eventually
from usher_cli.api import Api

pytestmark = pytest.mark.timeout(300)
PRIMARY = "stripe"
BUYERS, AT_ONCE, DOLLARS = 90, 8, 20
DIES_AFTER, BACK_AFTER = 25, 65  # so many buyers have come
LOST = 6  # answers, before it is quite dead
ADYENS_CARD = {
    "type": "scheme", "encryptedCardNumber": "sealed_visa", "encryptedExpiryMonth": "test_03",
    "encryptedExpiryYear": "test_2030", "encryptedSecurityCode": "test_737", "holderName": "S. Hopper",
}  # fmt: skip
# What the payer's browser gets from each gateway that may take over.
TOKENS = {
    "stripe": "pm_card_visa",
    "square": "cnon:card-nonce-ok",
    "adyen": json.dumps({"paymentMethod": ADYENS_CARD}),
}
SUCCEEDED, PROCESSING = payment_pb2.PAYMENT_STATE_SUCCEEDED, payment_pb2.PAYMENT_STATE_PROCESSING
NOT_NOW = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED}
PATIENCE = 8  # of a buyer: so often is a payment asked for again; every third gives up at the first trouble


@pytest.fixture
def dying(sandbox) -> Iterator[Any]:
    """The gateways, of which the first is as it was when the test is over."""
    yield sandbox
    sandbox.switch(PRIMARY, down=False, drop_answers=0)


@dataclass
class Sale:
    """Its buyers, and what became of them."""

    event: str
    ticket_type: str
    channel: grpc.aio.Channel
    signer: TokenSigner
    come: int = 0
    while_down: Counter[str] = field(default_factory=Counter)
    bookings: dict[str, str] = field(default_factory=dict)  # booking → its buyer's token
    payments: dict[str, str] = field(default_factory=dict)  # payment → its booking


async def buy(sale: Sale, number: int, down: asyncio.Event) -> None:
    """Hold a place and pay for it, through whichever gateway the payment says; some have no patience."""
    came_while_down = down.is_set()
    token = sale.signer.sign(f"users/{new_id()}", {}, session="s")
    metadata = (("authorization", f"Bearer {token}"),)
    booking, payment = BookingServiceStub(sale.channel), PaymentServiceStub(sale.channel)
    lines = [booking_pb2.BookingLine(ticket_type=sale.ticket_type, quantity=1)]
    wanted = booking_rpcs.CreateBookingRequest(
        parent=sale.event, booking=booking_pb2.Booking(lines=lines), request_id=new_id()
    )
    held = await booking.CreateBooking(wanted, metadata=metadata, timeout=60)
    sale.bookings[held.name] = token
    patience = 1 if number % 3 == 0 else PATIENCE
    asked = payment_rpcs.CreatePaymentRequest(
        payment=payment_pb2.Payment(booking=held.name, method="card"), request_id=new_id()
    )
    paid = await patiently(payment.CreatePayment, asked, metadata, PATIENCE)
    if paid is None:
        return
    sale.payments[paid.name] = held.name
    for _ in range(patience):
        if paid.state in (SUCCEEDED, PROCESSING):
            break
        confirm = payment_rpcs.ConfirmPaymentRequest(
            name=paid.name, payment_method=TOKENS[paid.gateway], request_id=new_id()
        )
        told = await patiently(payment.ConfirmPayment, confirm, metadata, patience)
        if told is None:
            return
        paid = told
    if paid.state == SUCCEEDED and came_while_down and down.is_set():
        sale.while_down[paid.gateway] += 1


async def patiently(call: Any, request: Any, metadata: Any, times: int) -> Any:
    """Asked again with one request id while it is not known; None: the buyer has given up."""
    for _ in range(times):
        try:
            return await call(request, metadata=metadata, timeout=30)
        except grpc.aio.AioRpcError as error:
            if error.code() not in NOT_NOW:
                raise
            await asyncio.sleep(0.2)
    return None


async def sell(sale: Sale, sandbox: Any) -> None:
    """All buyers, some at once; the primary dies among them, and comes back later."""
    room, down = asyncio.Semaphore(AT_ONCE), asyncio.Event()

    async def one(number: int) -> None:
        async with room:
            sale.come += 1
            if sale.come == DIES_AFTER:
                await asyncio.to_thread(sandbox.switch, PRIMARY, drop_answers=LOST)
            if sale.come == DIES_AFTER + 4:
                await asyncio.to_thread(sandbox.switch, PRIMARY, down=True)
                down.set()
            if sale.come == BACK_AFTER:
                down.clear()
                await asyncio.to_thread(sandbox.switch, PRIMARY, down=False)
            await buy(sale, number, down)

    await asyncio.gather(*(one(number) for number in range(BUYERS)))


def test_a_sale_goes_on_when_the_gateway_dies_and_everybody_is_charged_once(
    stack: Stack, api: Api, signer: TokenSigner, dying, open_sale, read
) -> None:
    """INVARIANT: over all gateways each buyer is charged once for a ticket, or not at all."""
    event, ticket_type = open_sale({"currencyCode": "USD", "units": str(DOLLARS)}, BUYERS)
    before = dying.taken()

    async def rush() -> Sale:
        async with grpc.aio.insecure_channel(stack.url().removeprefix("http://")) as channel:
            sale = Sale(event, ticket_type, channel, signer)
            await sell(sale, dying)
            return sale

    sale = asyncio.run(rush())
    assert len(sale.bookings) == BUYERS
    assert PRIMARY not in sale.while_down
    assert sum(sale.while_down.values()) >= (BACK_AFTER - DIES_AFTER) // 3, "the sale stood still"

    def decided() -> list[Mapping[str, Any]] | None:
        found = read("payment", "payments", {"booking": {"$gte": f"{event}/", "$lt": f"{event}0"}})
        return None if any(each["state"] == "PROCESSING" for each in found) else found

    payments = eventually(decided, seconds=90, what="what became of every payment")
    states = Counter(each["state"] for each in payments)
    assert states["SUCCEEDED"] >= BUYERS * 2 // 3, states
    taken = dying.taken() - before
    paid: Counter[str] = Counter()
    for each in payments:
        charged = sum(taken[attempt["gateway"], attempt["key"]] for attempt in each["attempts"])
        assert charged == (each["state"] == "SUCCEEDED"), each["_id"]
        paid[each["booking"]] += charged
    assert sum(taken.values()) == sum(paid.values()), "somebody was charged for nothing we know of"

    def all_told() -> bool | None:
        states = {name: api.get(f"/v1/{name}", token=token)["state"] for name, token in sale.bookings.items()}
        confirmed = {name for name, state in states.items() if state == "BOOKING_STATE_CONFIRMED"}
        return confirmed == {name for name, times in paid.items() if times} or None

    eventually(all_told, seconds=60, what="a ticket for everybody who has paid, and for nobody else")
    wanted = Counter(f"{each['_id']}/captured" for each in payments if each["state"] == "SUCCEEDED")

    def all_booked() -> bool | None:
        blocks = read("payment", "ledger_blocks", {"ids": {"$in": list(wanted)}})
        booked = Counter(id for block in blocks for id in block["ids"] if id in wanted)
        return booked == wanted or None

    eventually(all_booked, seconds=30, what="each charge in the ledger, once")
    assert max(paid.values()) == 1
    rerouted = [each for each in payments if len({attempt["gateway"] for attempt in each["attempts"]}) > 1]
    through = Counter(each["attempts"][-1]["gateway"] for each in payments if each["state"] == "SUCCEEDED")
    assert len(through) >= 2, through
    print(f"{states}, through {through}, {len(rerouted)} rerouted, while down {sale.while_down}")
