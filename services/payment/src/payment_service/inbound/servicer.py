"""The rpcs of the payment service: parse, handle, encode."""

from dataclasses import dataclass

from google.api.httpbody_pb2 import HttpBody

from domain_kit.clock import Clock, utc_now
from domain_kit.ids import new_id
from grpc_runtime import caller_of, cause_of, header_of, http_body, principal_of
from payment_service.domain.gateway import RefundingGateway, Webhooks
from payment_service.domain.payment import Payment
from payment_service.domain.ports import Bookings, PaymentRepository
from payment_service.handlers.confirm_payment import confirm_payment
from payment_service.handlers.create_payment import create_payment
from payment_service.handlers.receive_notice import receive_notice
from payment_service.handlers.refund_payment import refund_payment
from payment_service.wire.payments import amount_from_wire, booking_from_wire, payment_to_wire
from resource_api import PageTokens, page_size_of
from usher.payment.v1 import payment_pb2
from usher.payment.v1 import payment_service_pb2 as pb
from usher.payment.v1.payment_service_pb2_grpc import PaymentServiceServicer


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rpcs work with."""

    payments: PaymentRepository
    bookings: Bookings
    gateway: RefundingGateway
    webhooks: Webhooks
    page_tokens: PageTokens
    clock: Clock = utc_now


class PaymentServicer(PaymentServiceServicer):
    """usher.payment.v1.PaymentService."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def CreatePayment(self, request: pb.CreatePaymentRequest, context: object) -> payment_pb2.Payment:
        on, booking, payer = self._parts, booking_from_wire(request.payment), principal_of(context).user
        cause = cause_of(request, context)
        payment = await create_payment(
            on.payments, on.bookings, on.gateway, new_id(), booking, payer, cause=cause, clock=on.clock
        )  # fmt: skip
        return _shown(payment, context)

    async def GetPayment(self, request: pb.GetPaymentRequest, context: object) -> payment_pb2.Payment:
        return _shown(await self._parts.payments.get(request.name), context)

    async def ListUserPayments(
        self, request: pb.ListUserPaymentsRequest, context: object
    ) -> pb.ListUserPaymentsResponse:
        tokens = self._parts.page_tokens
        page = await self._parts.payments.list_page(request.parent, tokens.cursor_of(request), page_size_of(request))
        shown = [_shown(each, context) for each in page.items]
        return pb.ListUserPaymentsResponse(payments=shown, next_page_token=tokens.token_for(request, page.following))

    async def ConfirmPayment(self, request: pb.ConfirmPaymentRequest, context: object) -> payment_pb2.Payment:
        on, cause = self._parts, cause_of(request, context)
        payment = await confirm_payment(
            on.payments, on.gateway, request.name, request.payment_method, cause=cause, clock=on.clock
        )
        return _shown(payment, context)

    async def RefundPayment(self, request: pb.RefundPaymentRequest, context: object) -> payment_pb2.Payment:
        on, cause, requester = self._parts, cause_of(request, context), principal_of(context).user
        amount = amount_from_wire(request.amount) if request.HasField("amount") else None
        payment = await refund_payment(
            on.payments, on.gateway, request.name, new_id(), amount, request.reason, requester,
            cause=cause, clock=on.clock,
        )  # fmt: skip
        return _shown(payment, context)

    async def ReceiveStripeWebhook(self, request: HttpBody, context: object) -> HttpBody:
        on = self._parts
        notice = on.webhooks.read_notice(request.data, header_of(context, "stripe-signature"))
        await receive_notice(on.payments, on.gateway, notice, clock=on.clock)
        return http_body("application/json", "{}")


def _shown(payment: Payment, context: object) -> payment_pb2.Payment:
    caller = caller_of(context)
    return payment_to_wire(payment, viewer="" if caller is None else caller.user)
