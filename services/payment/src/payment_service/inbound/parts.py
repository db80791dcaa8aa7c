"""What the servicers work with."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from domain_kit.clock import Clock, utc_now
from grpc_runtime import caller_of
from grpc_runtime.call import call_of
from payment_service.domain.gateways import Delivery, Notice, Webhooks
from payment_service.domain.payment import Payment
from payment_service.domain.ports import Bookings, Gateways, PaymentRepository, PaymentSettingsRepository
from payment_service.domain.saved_methods import Keepers
from payment_service.domain.webhook_inbox import Kept, WebhookInbox
from payment_service.wire.payments import payment_to_wire
from resource_api import PageTokens
from usher.payment.v1 import payment_pb2


class Readers(Gateways, Protocol):
    """Gateways, and who reads their webhooks."""

    def webhooks(self, name: str) -> Webhooks:
        """NotFound GATEWAY_UNKNOWN."""


@dataclass(frozen=True, slots=True)
class Parts:
    """public_url: as gateways call this service. on_kept: there are webhooks to apply.
    in_hand: a payment that is being confirmed. notified: see confirm_payment. is_applied: see receive_webhook.
    """

    payments: PaymentRepository
    bookings: Bookings
    gateways: Readers
    settings: PaymentSettingsRepository
    inbox: WebhookInbox
    keepers: Keepers
    page_tokens: PageTokens
    public_url: str
    on_kept: Callable[[Sequence[Kept]], None]
    in_hand: Callable[[str], AbstractContextManager[None]]
    notified: Callable[[str], Awaitable[bool]]
    is_applied: Callable[[str, Notice], Awaitable[bool]]
    clock: Clock = utc_now


def shown(payment: Payment, context: object) -> payment_pb2.Payment:
    """As its caller may see it."""
    caller = caller_of(context)
    return payment_to_wire(payment, viewer="" if caller is None else caller.user)


def delivery_of(context: object, body: bytes, public_url: str, path: str) -> Delivery:
    """A webhook as it came in; the transcoder tells the original path with its query."""
    headers = {
        name: value if isinstance(value, str) else value.decode("latin-1")
        for name, value in call_of(context).headers.items()
    }
    # What the gateway has signed; at our door it was given an id of ours.
    headers["x-request-id"] = headers.pop("x-signed-request-id", headers.get("x-request-id", ""))
    return Delivery(body, headers, public_url.rstrip("/") + headers.get("x-envoy-original-path", path))
