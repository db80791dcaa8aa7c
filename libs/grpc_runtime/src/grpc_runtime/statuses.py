"""Refusals as google.rpc.Status and back (AIP-193)."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Never

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from domain_kit import refusals
from domain_kit.refusals import FieldViolation, Refusal
from telemetry import correlation_id

CORRELATION_TRAILER = "x-correlation-id"
DETAILS_KEY = "grpc-status-details-bin"
_BY_CODE: dict[str, type[Refusal]] = {
    kind.code: kind
    for kind in (
        refusals.InvalidArgument,
        refusals.NotFound,
        refusals.AlreadyExists,
        refusals.FailedPrecondition,
        refusals.Aborted,
        refusals.ResourceExhausted,
        refusals.PermissionDenied,
        refusals.Unauthenticated,
        refusals.Unavailable,
        refusals.DeadlineExceeded,
    )
}
# A status travels in trailers, of which gRPC takes 8 to 16 KiB: a longer one would arrive as RESOURCE_EXHAUSTED and
# without its reason. Characters; a message travels twice, and some characters take nine bytes.
_LONGEST_TEXT = 400
_MOST_VIOLATIONS = 1500
# What grpc itself says about a lost connection names addresses, so it is replaced.
_TRANSPORT = {
    "UNAVAILABLE": ("UPSTREAM_UNAVAILABLE", "A service this call needs does not answer."),
    "DEADLINE_EXCEEDED": ("UPSTREAM_TOO_SLOW", "A service this call needs did not answer in time."),
    "RESOURCE_EXHAUSTED": ("UPSTREAM_EXHAUSTED", "A service this call needs is at its limit."),
    "CANCELLED": ("UPSTREAM_CANCELLED", "A service this call needs broke the call off."),
}


class RemoteFailure(Exception):
    """Another service failed in a way that is not a refusal (INTERNAL, UNIMPLEMENTED, …): INTERNAL for our caller."""

    def __init__(self, code: str, details: str) -> None:
        super().__init__(f"{code}: {details}")
        self.code = code


def status_of(refusal: Refusal, domain: str) -> status_pb2.Status:
    """The wire form: ErrorInfo, BadRequest and RetryInfo if there is need. `domain` is "usher.<service>".

    Long texts are cut, and of very many violations the first are told.
    """
    status = status_pb2.Status(code=_number(refusal.code), message=_cut(refusal.message))
    metadata = {key: _cut(value) for key, value in refusal.metadata.items()}
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=refusal.reason, domain=domain, metadata=metadata))
    if refusal.violations:
        wrong = error_details_pb2.BadRequest()
        for violation in _first_of(refusal.violations):
            wrong.field_violations.add(field=violation.field, description=violation.description, reason=refusal.reason)
        status.details.add().Pack(wrong)
    if refusal.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(refusal.retry_after)
        status.details.add().Pack(retry)
    return status


def failure_status(
    code: grpc.StatusCode, reason: str, message: str, domain: str, log_id: str = ""
) -> status_pb2.Status:
    """The wire form of something that is not a refusal."""
    status = status_pb2.Status(code=code.value[0], message=message)
    info = error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata={"log_id": log_id} if log_id else {})
    status.details.add().Pack(info)
    return status


async def abort_with(context: grpc.aio.ServicerContext[Any, Any], status: status_pb2.Status) -> Never:
    """End the call with it. `abort` rather than `abort_with_status`, because tracing listens to the former only."""
    wire = rpc_status.to_status(status)
    correlation = correlation_id()
    named = ((CORRELATION_TRAILER, correlation),) if correlation else ()
    await context.abort(wire.code, wire.details, (*(wire.trailing_metadata or ()), *named))


def refusal_from(error: grpc.aio.AioRpcError) -> Refusal | RemoteFailure:
    """What a call to another service raised, as our own exception.

    A status without ErrorInfo comes from the transport: Unavailable or DeadlineExceeded, reason UPSTREAM_…, without
    addresses in the text. INTERNAL, UNKNOWN and the like become RemoteFailure.
    """
    code = error.code().name
    status = _details(error)
    info, violations, retry_after = error_details_pb2.ErrorInfo(), [], None
    for detail in status.details:
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            wrong = error_details_pb2.BadRequest()
            detail.Unpack(wrong)
            violations = [FieldViolation(each.field, each.description) for each in wrong.field_violations]
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo()
            detail.Unpack(retry)
            retry_after = timedelta(milliseconds=retry.retry_delay.ToMilliseconds())
    kind = _BY_CODE.get(code)
    if not info.reason and code in _TRANSPORT:
        reason, message = _TRANSPORT[code]
        return (kind or refusals.Unavailable)(reason, message)
    if kind is None:
        return RemoteFailure(code, error.details() or "")
    return kind(
        info.reason or f"UPSTREAM_{code}",
        error.details() or code,
        metadata=dict(info.metadata),
        violations=violations,
        retry_after=retry_after,
    )


def _details(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _first_of(violations: Sequence[FieldViolation]) -> Iterator[FieldViolation]:
    left = _MOST_VIOLATIONS
    for violation in violations:
        field, description = _cut(violation.field), _cut(violation.description)
        left -= len(field) + len(description) + 40  # reason and framing
        if left < 0:
            return
        yield FieldViolation(field, description)


def _number(code: str) -> int:
    number: int = grpc.StatusCode[code].value[0]
    return number
