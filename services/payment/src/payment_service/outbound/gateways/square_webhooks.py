"""Square's webhooks: HMAC-SHA256 over our address and the body (https://developer.squareup.com/docs/webhooks/step3validate)."""

import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from square.utils.webhooks_helper import verify_signature

from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import Acknowledgement, Delivery, Notice
from payment_service.outbound.gateways.said_no import bad_body, bad_signature
from payment_service.outbound.gateways.square_disputes import said_of

HEADER = "x-square-hmacsha256-signature"
PAID = {"APPROVED", "COMPLETED"}


class SquareWebhooks:
    """Webhooks of payment_service.domain.gateways.

    url: as it is registered with Square, to the letter. Square signs no time of sending, and repeats an event for a day
    with the body and signature it had at first, so there is no age to check; an event told twice moves nothing twice.
    """

    acknowledgement = Acknowledgement()

    def __init__(self, url: str, secrets: Sequence[str], capabilities: Capabilities) -> None:
        self._url, self._secrets, self._can = url, tuple(secrets), capabilities

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:  # noqa: ARG002
        """One notice: the payment that a payment or refund event is about; of a dispute, how it stands."""
        if not self._signed(delivery):
            raise bad_signature()
        try:
            event = json.loads(delivery.body)
            thing = event["data"].get("object") or {}
            payment, refund = thing.get("payment") or {}, thing.get("refund") or {}
            dispute = thing.get("dispute") or {}
            disputed = dispute.get("disputed_payment") or {}
            reference = payment.get("id") or refund.get("payment_id") or disputed.get("payment_id") or ""
            # The same type tells of refunds and of a payment that was called off.
            paid = payment.get("status") in PAID and not payment.get("refund_ids")
            said = said_of(dispute, self._can) if dispute else None
            key = str(payment.get("reference_id") or "")
            return [Notice(str(event["event_id"]), key, str(reference), intent=said, paid=paid)]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise bad_body() from None

    def _signed(self, delivery: Delivery) -> bool:
        # Behind a gateway of ours the host may differ from the registered one, but never the query.
        if urlsplit(delivery.url).query != urlsplit(self._url).query:
            return False
        try:
            body, signature = delivery.body.decode(), delivery.headers.get(HEADER, "")
        except UnicodeDecodeError:
            return False
        return any(
            verify_signature(
                request_body=body, signature_header=signature, signature_key=secret, notification_url=self._url
            )
            for secret in self._secrets
        )
