"""What becomes of a gateway's no, in words that quote neither it nor what was sent."""

import logging
from collections.abc import Mapping
from datetime import timedelta

from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, Refusal, Unauthenticated, Unavailable

log = logging.getLogger(__name__)


def unavailable() -> Unavailable:
    """Nobody knows what came of it, or nothing did and asking again may help."""
    wait = timedelta(seconds=1)
    return Unavailable("GATEWAY_UNAVAILABLE", "The payment gateway does not answer.", retry_after=wait)


def out_of_order() -> Unavailable:
    """For an operator to mend, who is told by whoever knows the code."""
    return Unavailable("GATEWAY_REFUSES_US", "Payments are out of order.", retry_after=timedelta(minutes=1))


def unknown(metadata: Mapping[str, str] | None = None) -> NotFound:
    """It has no such order."""
    return NotFound("INTENT_UNKNOWN", "The payment gateway does not know this payment.", metadata=metadata or {})


def refuses_us(gateway: str, code: str) -> Unavailable:
    """It does not accept our keys, or lets this merchant do nothing: for an operator to mend."""
    log.error("the gateway does not accept us", extra={"gateway": gateway, "gateway_code": code})
    return out_of_order()


def refused(gateway: str, code: str, *, malformed: bool) -> Refusal:
    """It has understood and said no. malformed: whatever the state of the order."""
    metadata = {"gateway": gateway, "gateway_code": code}
    kind = InvalidArgument if malformed else FailedPrecondition
    return kind("GATEWAY_REFUSED", "The payment gateway refused the request.", metadata=metadata)


def reserves_nothing(gateway: str) -> FailedPrecondition:
    """An order that is only to be reserved, at a gateway that takes the money at once."""
    return FailedPrecondition("GATEWAY_REFUSED", "Money cannot be reserved there.", metadata={"gateway": gateway})


def report_not_ready(day: str) -> FailedPrecondition:
    """Its books of a day are a file, which is written on the next."""
    why = "The payment gateway has not written its report of that day."
    return FailedPrecondition("GATEWAY_REPORT_NOT_READY", why, metadata={"day": day})


def bad_signature() -> Unauthenticated:
    """Of a webhook."""
    return Unauthenticated("WEBHOOK_SIGNATURE_INVALID", "The signature does not belong to this body.")


def too_old() -> Unauthenticated:
    """A webhook from another time."""
    return Unauthenticated("WEBHOOK_TOO_OLD", "The webhook was not signed just now.")


def bad_body() -> InvalidArgument:
    """A webhook that is signed and says nothing that is understood."""
    return InvalidArgument("WEBHOOK_BODY_INVALID", "The body is no notification of this gateway.")
