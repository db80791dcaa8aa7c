"""The rpcs of the payment service: parse, handle, encode."""

from google.api.httpbody_pb2 import HttpBody

from domain_kit.ids import new_id
from grpc_runtime import cause_of, http_body, principal_of
from payment_service.handlers.call_off_payment import cancel_payment
from payment_service.handlers.capture_payment import capture_payment
from payment_service.handlers.confirm_payment import confirm_payment
from payment_service.handlers.create_payment import Chosen, create_payment
from payment_service.handlers.mark_received import mark_received
from payment_service.handlers.mark_refund_paid import mark_refund_paid
from payment_service.handlers.receive_webhook import receive_webhook
from payment_service.handlers.refund_payment import refund_payment
from payment_service.handlers.route_payment import route_payment
from payment_service.handlers.saved_methods import token_of
from payment_service.inbound.card_fields import without_card_numbers
from payment_service.inbound.parts import Parts, delivery_of, shown
from payment_service.wire.payments import (
    amount_from_wire,
    booking_from_wire,
    candidate_to_wire,
    left_out_to_wire,
    methods_to_wire,
    settings_from_wire,
    settings_to_wire,
)
from resource_api import apply_update_mask, page_size_of
from usher.payment.v1 import payment_pb2
from usher.payment.v1 import payment_service_pb2 as pb
from usher.payment.v1.payment_service_pb2_grpc import PaymentServiceServicer


@without_card_numbers
class PaymentServicer(PaymentServiceServicer):
    """usher.payment.v1.PaymentService."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def CreatePayment(self, request: pb.CreatePaymentRequest, context: object) -> payment_pb2.Payment:
        on, booking, payer = self._parts, booking_from_wire(request.payment), principal_of(context).user
        chosen = Chosen(request.payment.method, request.preferred_gateway, request.payer_country)
        cause, id = cause_of(request, context), new_id()
        payment = await create_payment(
            on.payments, on.bookings, on.gateways, id, booking, payer, chosen, cause=cause, clock=on.clock
        )  # fmt: skip
        return shown(payment, context)

    async def GetPayment(self, request: pb.GetPaymentRequest, context: object) -> payment_pb2.Payment:
        return shown(await self._parts.payments.get(request.name), context)

    async def ListUserPayments(
        self, request: pb.ListUserPaymentsRequest, context: object
    ) -> pb.ListUserPaymentsResponse:
        payments, token = await self._page("payer", request, context)
        return pb.ListUserPaymentsResponse(payments=payments, next_page_token=token)

    async def ListBookingPayments(
        self, request: pb.ListBookingPaymentsRequest, context: object
    ) -> pb.ListBookingPaymentsResponse:
        payments, token = await self._page("booking", request, context)
        return pb.ListBookingPaymentsResponse(payments=payments, next_page_token=token)

    async def ListOrganizerPayments(
        self, request: pb.ListOrganizerPaymentsRequest, context: object
    ) -> pb.ListOrganizerPaymentsResponse:
        payments, token = await self._page("organizer", request, context)
        return pb.ListOrganizerPaymentsResponse(payments=payments, next_page_token=token)

    async def ConfirmPayment(self, request: pb.ConfirmPaymentRequest, context: object) -> payment_pb2.Payment:
        on, cause, given = self._parts, cause_of(request, context), request.payment_method
        token = await token_of(on.keepers, on.gateways, on.payments, request.name, given)
        with on.in_hand(request.name):
            payment = await confirm_payment(
                on.payments, on.gateways, request.name, token, cause=cause, clock=on.clock, notified=on.notified
            )
        return shown(payment, context)

    async def CapturePayment(self, request: pb.CapturePaymentRequest, context: object) -> payment_pb2.Payment:
        on, cause = self._parts, cause_of(request, context)
        amount = amount_from_wire(request.amount) if request.HasField("amount") else None
        payment = await capture_payment(
            on.payments, on.gateways, request.name, amount, cause=cause, clock=on.clock
        )  # fmt: skip
        return shown(payment, context)

    async def CancelPayment(self, request: pb.CancelPaymentRequest, context: object) -> payment_pb2.Payment:
        on, cause = self._parts, cause_of(request, context)
        return shown(await cancel_payment(on.payments, on.gateways, request.name, cause=cause, clock=on.clock), context)

    async def MarkPaymentReceived(self, request: pb.MarkPaymentReceivedRequest, context: object) -> payment_pb2.Payment:
        on, cause = self._parts, cause_of(request, context)
        return shown(await mark_received(on.payments, request.name, cause=cause, clock=on.clock), context)

    async def MarkRefundPaid(self, request: pb.MarkRefundPaidRequest, context: object) -> payment_pb2.Payment:
        on, cause = self._parts, cause_of(request, context)
        paid = await mark_refund_paid(on.payments, request.name, request.refund_id, cause=cause, clock=on.clock)
        return shown(paid, context)

    async def RefundPayment(self, request: pb.RefundPaymentRequest, context: object) -> payment_pb2.Payment:
        on, cause, requester = self._parts, cause_of(request, context), principal_of(context).user
        amount = amount_from_wire(request.amount) if request.HasField("amount") else None
        payment = await refund_payment(
            on.payments, on.gateways, request.name, new_id(), amount, request.reason, requester,
            cause=cause, clock=on.clock,
        )  # fmt: skip
        return shown(payment, context)

    async def ListPaymentMethods(
        self, request: pb.ListPaymentMethodsRequest, context: object
    ) -> pb.ListPaymentMethodsResponse:
        wish = Chosen(country=request.payer_country)
        ranking = await route_payment(self._parts.bookings, self._parts.gateways, request.parent, wish)
        ranking.first()  # refused where there is none
        return pb.ListPaymentMethodsResponse(payment_methods=methods_to_wire(ranking))

    async def RoutePayment(self, request: pb.RoutePaymentRequest, context: object) -> pb.RoutePaymentResponse:
        wish = Chosen(request.method, request.preferred_gateway, request.payer_country)
        ranking = await route_payment(self._parts.bookings, self._parts.gateways, request.parent, wish)
        routes = [candidate_to_wire(each) for each in ranking.candidates]
        return pb.RoutePaymentResponse(routes=routes, left_out=left_out_to_wire(ranking))

    async def ListPaymentCurrencies(
        self, request: pb.ListPaymentCurrenciesRequest, context: object
    ) -> pb.ListPaymentCurrenciesResponse:
        codes = await self._parts.gateways.currencies(request.parent)
        return pb.ListPaymentCurrenciesResponse(currency_codes=codes)

    async def GetPaymentSettings(
        self, request: pb.GetPaymentSettingsRequest, context: object
    ) -> payment_pb2.PaymentSettings:
        return settings_to_wire(await self._parts.settings.of(_organizer_of(request.name)))

    async def UpdatePaymentSettings(
        self, request: pb.UpdatePaymentSettingsRequest, context: object
    ) -> payment_pb2.PaymentSettings:
        patch, organizer = request.payment_settings, _organizer_of(request.payment_settings.name)
        stored = settings_to_wire(await self._parts.settings.of(organizer))
        wanted = settings_from_wire(apply_update_mask(stored, patch, request.update_mask))
        cause = cause_of(request, context)
        return settings_to_wire(
            await self._parts.settings.change(organizer, wanted, etag=patch.etag or stored.etag, cause=cause)
        )

    async def ReceiveWebhook(self, request: pb.ReceiveWebhookRequest, context: object) -> HttpBody:
        return await self._webhook(request.gateway, request.body.data, context)

    async def ReceiveStripeWebhook(self, request: HttpBody, context: object) -> HttpBody:
        return await self._webhook("stripe", request.data, context)

    async def _webhook(self, gateway: str, body: bytes, context: object) -> HttpBody:
        on, webhooks = self._parts, self._parts.gateways.webhooks(gateway)
        delivery = delivery_of(context, body, on.public_url, f"/v1/webhooks/{gateway}")
        told = await receive_webhook(
            on.inbox, gateway, webhooks, delivery, clock=on.clock, on_kept=on.on_kept, is_applied=on.is_applied
        )
        return http_body(told.content_type, told.body)

    async def _page(
        self,
        field: str,
        request: pb.ListUserPaymentsRequest | pb.ListBookingPaymentsRequest | pb.ListOrganizerPaymentsRequest,
        context: object,
    ) -> tuple[list[payment_pb2.Payment], str]:
        tokens = self._parts.page_tokens
        page = await self._parts.payments.list_page(
            {field: request.parent}, tokens.cursor_of(request), page_size_of(request)
        )
        return [shown(each, context) for each in page.items], tokens.token_for(request, page.following)


def _organizer_of(settings: str) -> str:
    return settings.removesuffix("/paymentSettings")
