"""A real payment service in process: real store, the card network's sandbox, a booking service that is told."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from google.api.httpbody_pb2 import HttpBody
from google.type.money_pb2 import Money

from access import Ownership, Role, SigningKey
from domain_kit.ids import new_id
from domain_kit.refusals import NotFound, Refusal
from grpc_runtime import Service
from payment_service.composition import build
from payment_service.settings import Settings
from telemetry import Metrics
from testkit.calls import Calls, calls_to
from usher.booking.v1 import booking_pb2
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceServicer, add_BookingServiceServicer_to_server
from usher.payment.v1 import payment_pb2
from usher.payment.v1 import payment_service_pb2 as pb
from usher.payment.v1.payment_service_pb2_grpc import PaymentServiceStub

SECRET, OLD_SECRET = "whsec_test", "whsec_old"
ORGANIZER = f"organizers/{new_id()}"


class FakeBooking(BookingServiceServicer):
    """GetBooking over what tests put into `bookings`."""

    def __init__(self) -> None:
        self.bookings: dict[str, booking_pb2.Booking] = {}

    def held(self, buyer: str, units: int = 20, currency: str = "CAD") -> booking_pb2.Booking:
        name = f"events/{new_id()}/bookings/{new_id()}"
        booking = booking_pb2.Booking(
            name=name,
            organizer=ORGANIZER,
            buyer=buyer,
            state=booking_pb2.BOOKING_STATE_HELD,
            total=Money(currency_code=currency, units=units),
        )
        booking.hold_expire_time.FromDatetime(datetime.now(UTC) + timedelta(minutes=10))
        self.bookings[name] = booking
        return booking

    def changed(self, name: str, units: int, *payments: str) -> None:
        """Confirmed by these payments, and a change of so much is to be paid."""
        booking = self.bookings[name]
        booking.state, booking.payment = booking_pb2.BOOKING_STATE_CONFIRMED, payments[0]
        booking.extra_payments[:] = payments[1:]
        booking.amount_due.CopyFrom(Money(currency_code=booking.total.currency_code, units=units))
        booking.pending_change.SetInParent()

    async def owner_of(self, name: str) -> Ownership | None:
        booking = self.bookings.get(name)
        return None if booking is None else Ownership(booking.buyer, booking.organizer)

    async def GetBooking(self, request, context) -> booking_pb2.Booking:
        if request.name not in self.bookings:
            raise NotFound.named(request.name)
        return self.bookings[request.name]


class Door:
    """Hands the raw body and the signature of webhooks to the rpc, as the gateway does. `shut`: they are only kept."""

    def __init__(self) -> None:
        self.calls: Calls | None = None
        self.shut = False
        self.seen: list[tuple[bytes, str]] = []
        self.url = ""

    async def receive(self, request: web.Request) -> web.Response:
        body, signature = await request.read(), request.headers["Stripe-Signature"]
        self.seen.append((body, signature))
        if self.shut or self.calls is None:
            return web.Response(status=503)
        try:
            return web.Response(body=await self.deliver(body, signature), content_type="application/json")
        except Refusal:
            return web.Response(status=500)

    async def deliver(self, body: bytes, signature: str) -> bytes:
        assert self.calls is not None
        answer = await PaymentServiceStub(self.calls.channel).ReceiveStripeWebhook(
            HttpBody(content_type="application/json", data=body), metadata=(("stripe-signature", signature),)
        )
        return answer.data


class Buyer:
    """Somebody with a booking to pay."""

    def __init__(self, calls: Calls, booking: FakeBooking) -> None:
        self.name = f"users/{new_id()}"
        self.stub = PaymentServiceStub(calls.channel)
        self.metadata = calls.bearer(self.name)
        self.calls, self.booking = calls, booking

    async def payment(self, booking: str = "", request_id: str = "", **held: object) -> payment_pb2.Payment:
        booking = booking or self.booking.held(self.name, **held).name
        request = pb.CreatePaymentRequest(payment=payment_pb2.Payment(booking=booking), request_id=request_id)
        return await self.stub.CreatePayment(request, metadata=self.metadata)

    async def confirm(self, name: str, method: str = "pm_card_visa", request_id: str = "") -> payment_pb2.Payment:
        request = pb.ConfirmPaymentRequest(name=name, payment_method=method, request_id=request_id)
        return await self.stub.ConfirmPayment(request, metadata=self.metadata)

    async def get(self, name: str) -> payment_pb2.Payment:
        return await self.stub.GetPayment(pb.GetPaymentRequest(name=name), metadata=self.metadata)

    async def refund(self, name: str, units: int | None = None, *, role: Role = Role.FINANCE) -> payment_pb2.Payment:
        """By a member of the organizer, not by the buyer."""
        amount = None if units is None else Money(currency_code="CAD", units=units)
        return await self.stub.RefundPayment(
            pb.RefundPaymentRequest(name=name, amount=amount, reason="rain"), metadata=self.member(role)
        )

    def member(self, role: Role) -> tuple[tuple[str, str], ...]:
        return self.calls.bearer(f"users/{new_id()}", {ORGANIZER: role})


class Running:
    """All of it."""

    def __init__(self, calls, sandbox, door, booking, settings) -> None:
        self.calls, self.sandbox, self.door, self.booking, self.settings = calls, sandbox, door, booking, settings

    def buyer(self) -> Buyer:
        return Buyer(self.calls, self.booking)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door, application = Door(), web.Application()
    application.router.add_post("/v1/webhooks/stripe", door.receive)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    door.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/webhooks/stripe"
    yield door
    await runner.cleanup()


@pytest.fixture
async def running(mongodb: str, tmp_path, start_sandbox, door: Door) -> AsyncIterator[Running]:
    key, booking = SigningKey.generate(), FakeBooking()
    book = Service(servicers=[(add_BookingServiceServicer_to_server, booking)], owner_of=booking.owner_of)
    async with contextlib.AsyncExitStack() as stack:
        sandbox = stack.enter_context(start_sandbox(tmp_path, door.url))
        booking_calls = await stack.enter_async_context(calls_to(book, key=key))
        settings = Settings(
            service=f"payment_{new_id()[-8:]}",
            mongodb_uri=mongodb,
            kafka_brokers="127.0.0.1:1",
            page_token_key=b"0" * 32,
            booking_target=booking_calls.address,
            stripe_url=sandbox.url,
            stripe_api_key="sk_test_usher",
            stripe_webhook_secrets=(OLD_SECRET, SECRET),
            gateway_seconds=1.0,
        )
        service = await stack.enter_async_context(build(settings, Metrics("payment")))
        door.calls = await stack.enter_async_context(calls_to(service, key=key))
        yield Running(door.calls, sandbox, door, booking, settings)
        door.shut = True
