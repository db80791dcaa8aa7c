"""A real payment service in process: real store, the card network's sandbox, a booking service that is told."""

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
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
from testkit.web_inbox import answering_at
from usher.booking.v1 import booking_pb2
from usher.booking.v1.booking_service_pb2_grpc import BookingServiceServicer, add_BookingServiceServicer_to_server
from usher.payment.v1 import payment_pb2
from usher.payment.v1 import payment_service_pb2 as pb
from usher.payment.v1.payment_service_pb2_grpc import PaymentServiceStub

OLD_SECRET = "whsec_old"
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

    async def receive_any(self, request: web.Request) -> web.Response:
        """As the transcoder hands it on."""
        if self.shut or self.calls is None:
            return web.Response(status=503)
        body = HttpBody(content_type=request.content_type, data=await request.read())
        webhook = pb.ReceiveWebhookRequest(gateway=request.match_info["gateway"], body=body)
        hop = {"host", "content-length", "content-type", "connection", "user-agent", "accept", "accept-encoding"}
        headers = [(name.lower(), value) for name, value in request.headers.items() if name.lower() not in hop]
        path = ("x-envoy-original-path", str(request.rel_url))
        try:
            answer = await PaymentServiceStub(self.calls.channel).ReceiveWebhook(webhook, metadata=(*headers, path))
        except Refusal:
            return web.Response(status=500)
        return web.Response(body=answer.data, headers={"content-type": answer.content_type})

    async def deliver(self, body: bytes, signature: str) -> bytes:
        assert self.calls is not None
        answer = await PaymentServiceStub(self.calls.channel).ReceiveWebhook(
            pb.ReceiveWebhookRequest(gateway="stripe", body=HttpBody(content_type="application/json", data=body)),
            metadata=(("stripe-signature", signature),),
        )
        return answer.data


class Buyer:
    """Somebody with a booking to pay."""

    def __init__(self, calls: Calls, booking: FakeBooking) -> None:
        self.name = f"users/{new_id()}"
        self.stub = PaymentServiceStub(calls.channel)
        self.metadata = calls.bearer(self.name)
        self.calls, self.booking = calls, booking

    async def payment(
        self, booking: str = "", request_id: str = "", method: str = "", gateway: str = "", **held: object
    ) -> payment_pb2.Payment:
        booking = booking or self.booking.held(self.name, **held).name
        wanted = payment_pb2.Payment(booking=booking, method=method)
        request = pb.CreatePaymentRequest(payment=wanted, request_id=request_id, preferred_gateway=gateway)
        return await self.stub.CreatePayment(request, metadata=self.metadata)

    async def confirm(self, name: str, method: str = "pm_card_visa", request_id: str = "") -> payment_pb2.Payment:
        request = pb.ConfirmPaymentRequest(name=name, payment_method=method, request_id=request_id)
        return await self.stub.ConfirmPayment(request, metadata=self.metadata)

    async def get(self, name: str) -> payment_pb2.Payment:
        return await self.stub.GetPayment(pb.GetPaymentRequest(name=name), metadata=self.metadata)

    async def refund(
        self, name: str, units: int | None = None, *, role: Role = Role.FINANCE, currency: str = "CAD"
    ) -> payment_pb2.Payment:
        """By a member of the organizer, not by the buyer."""
        amount = None if units is None else Money(currency_code=currency, units=units)
        return await self.stub.RefundPayment(
            pb.RefundPaymentRequest(name=name, amount=amount, reason="rain"), metadata=self.member(role)
        )

    def member(self, role: Role) -> tuple[tuple[str, str], ...]:
        return self.calls.bearer(f"users/{new_id()}", {ORGANIZER: role})


class Running:
    """All of it."""

    def __init__(self, calls, sandbox, door, booking, secret, settings) -> None:
        self.calls, self.sandbox, self.door, self.booking, self.secret = calls, sandbox, door, booking, secret
        self.settings = settings

    def buyer(self) -> Buyer:
        return Buyer(self.calls, self.booking)

    async def untold_success(self, buyer: Buyer, until) -> tuple[payment_pb2.Payment, bytes, str]:
        """A payment that succeeded at the gateway, unknown to us, and the webhook that says so."""
        self.door.shut = True
        payment = await buyer.payment()
        asked = await buyer.confirm(payment.name, "pm_card_authenticationRequired")
        await self.sandbox.authenticate(payment.gateway_reference, passes=True)

        def told() -> list[tuple[bytes, str]]:
            return [each for each in self.door.seen if b"payment_intent.succeeded" in each[0]]

        async def arrived() -> bool:
            return bool(told())

        await until(arrived)
        return asked, *told()[0]


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door, application = Door(), web.Application()
    application.router.add_post("/v1/webhooks/stripe", door.receive)
    application.router.add_post("/v1/webhooks/{gateway}", door.receive_any)
    async with answering_at(application) as url:
        door.url = f"{url}/v1/webhooks/stripe"
        yield door


@pytest.fixture
async def running(mongodb: str, tmp_path, start_sandbox_process, door: Door) -> AsyncIterator[Running]:
    """With Stripe and bank transfer."""
    async with contextlib.AsyncExitStack() as stack:
        yield await started(stack, mongodb, tmp_path, start_sandbox_process, door, ("stripe",))


@pytest.fixture
async def everywhere(mongodb: str, tmp_path, start_sandbox_process, door: Door) -> AsyncIterator[Running]:
    """With three that take cards or have a page, and bank transfer."""
    async with contextlib.AsyncExitStack() as stack:
        yield await started(stack, mongodb, tmp_path, start_sandbox_process, door, ("stripe", "square", "paypal"))


async def started(stack, mongodb: str, tmp_path, start_sandbox_process, door: Door, names: Sequence[str]) -> Running:
    key, booking = SigningKey.generate(), FakeBooking()
    book = Service(servicers=[(add_BookingServiceServicer_to_server, booking)], owner_of=booking.owner_of)
    sandbox = stack.enter_context(start_sandbox_process(tmp_path, door.url))
    booking_calls = await stack.enter_async_context(calls_to(book, key=key))
    entries = json.loads((tmp_path / "credentials.json").read_text())
    entry = entries["stripe"]
    secret = entry["webhook_secret"]
    entry["webhook_secret"] = f"{OLD_SECRET}, {secret}"
    by_hand = {"bank_transfer": {"holder": "Usher", "iban": "DE02120300000000202051"}}
    gateways = tmp_path / "gateways.json"
    gateways.write_text(json.dumps({name: entries[name] for name in names if name in entries} | by_hand))
    settings = Settings(
        service=f"payment_{new_id()[-8:]}",
        mongodb_uri=mongodb,
        kafka_brokers="127.0.0.1:1",
        page_token_key=b"0" * 32,
        booking_target=booking_calls.address,
        gateways_file=str(gateways),
        gateway_seconds=1.0,
        public_url=door.url.removesuffix("/v1/webhooks/stripe"),
    )
    service = await stack.enter_async_context(build(settings, Metrics("payment")))
    door.calls = await stack.enter_async_context(calls_to(service, key=key))
    stack.callback(setattr, door, "shut", True)
    return Running(door.calls, sandbox, door, booking, secret, settings)
