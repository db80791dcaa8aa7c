"""What stands between the wire and a servicer.

Outermost first: telemetry, errors, peers (where services have certificates), deadline, limits, authentication, access,
validation. Limits come before authentication: under overload a call is to be refused before it costs a signature check
or a look-up.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Protocol

import grpc
import grpc.aio
from google.protobuf.message import Message

from access import OwnerOf, Principal, decide_access
from domain_kit.ids import new_id
from domain_kit.refusals import (
    DeadlineExceeded,
    FieldViolation,
    PermissionDenied,
    Refusal,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from grpc_runtime.call import Call
from grpc_runtime.channels import authorization
from grpc_runtime.method import Handler, Method
from grpc_runtime.statuses import abort_with, failure_status, status_of
from grpc_runtime.validation import invalid
from resilience import deadline_scope
from telemetry import Metrics, accepted_correlation_id, continue_from, span
from telemetry.tracing import UNRECORDED

CORRELATION_HEADERS = ("x-correlation-id", "x-request-id")
BUSY_RETRY = timedelta(seconds=1)

# What OpenTelemetry's conventions count as the server's failure, and not as its answer.
FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})

_log = logging.getLogger(__name__)


class Telemetry:
    """Continues the caller's trace and correlation id, and counts the rpc with its outcome."""

    def __init__(self, metrics: Metrics) -> None:
        self._rpcs = metrics.rpcs

    def around(self, method: Method, following: Handler) -> Handler:
        """Every rpc."""
        rpcs, name = self._rpcs, method.full_name
        of, detailed = rpcs.of(name), _log.isEnabledFor(logging.DEBUG)
        about = {"rpc.system": "grpc", "rpc.service": method.service, "rpc.method": name.rpartition("/")[2]}

        async def measured(request: Any, call: Call) -> Any:
            headers, code, started = call.headers, "OK", time.perf_counter()
            sent = next((str(value) for key in CORRELATION_HEADERS if (value := headers.get(key))), None)
            correlation = accepted_correlation_id(sent)
            if correlation != sent:  # who sent it knows it, and the gateway tells its callers
                call.set_trailing_metadata(((CORRELATION_HEADERS[0], correlation),))
            rpcs.started()
            with (
                continue_from(str(headers.get("traceparent", "")), correlation),
                span(name, "server", **about) as current,
            ):
                if detailed:
                    _log.debug("serving", extra={"rpc": name})
                try:
                    return await following(request, call)
                except asyncio.CancelledError:
                    code = "CANCELLED"
                    raise
                except BaseException:
                    code = _code_name(call)
                    raise
                finally:
                    rpcs.ended(of, code, time.perf_counter() - started)
                    if current is not UNRECORDED:
                        current.note("rpc.grpc.status_code", grpc.StatusCode[code].value[0])
                        if code in FAULTS:
                            current.failed(code)

        return measured


class Errors:
    """Refusals become typed statuses; anything else becomes INTERNAL with a fixed text and an id that is in the log.

    refused: told the rpc and the reason of each refusal.
    """

    def __init__(self, domain: str, refused: Callable[[str, str], None]) -> None:
        self._domain, self._refused = domain, refused
        self._log = logging.getLogger(__name__)

    def around(self, method: Method, following: Handler) -> Handler:
        """Every rpc."""

        async def mapped(request: Any, call: Call) -> Any:
            try:
                return await following(request, call)
            except Refusal as refusal:
                self._refused(method.full_name, refusal.reason)
                status = status_of(refusal, self._domain)
            except grpc.aio.AbortError:
                raise
            except Exception:  # noqa: BLE001 logged; nothing else may reach the wire
                log_id = new_id()
                self._log.exception("rpc failed", extra={"rpc": method.full_name, "log_id": log_id})
                status = failure_status(
                    grpc.StatusCode.INTERNAL,
                    "INTERNAL",
                    f"Internal error; its log id is {log_id}.",
                    self._domain,
                    log_id,
                )
            return await abort_with(call, status)

        return mapped


class Deadline:
    """Refuses a call whose client will not wait for an answer, and limits one whose client would wait for ever.

    default: seconds for unary rpcs without a deadline; streams without one may take as long as they like.
    """

    def __init__(self, default: float, least: float = 0.005) -> None:
        self._default, self._least = default, least

    def around(self, method: Method, following: Handler) -> Handler:
        """Every rpc."""
        default, least = (None if method.streams else self._default), self._least

        async def limited(request: Any, call: Call) -> Any:
            left: float | None = call.time_remaining()
            if left is not None:
                if left < least:
                    raise DeadlineExceeded("DEADLINE_TOO_SHORT", "There is too little time left to do it.")
                with deadline_scope(left):  # grpc itself cancels the handler then
                    return await following(request, call)
            if default is None:
                return await following(request, call)
            clock = asyncio.timeout(default)
            try:
                with deadline_scope(default):
                    async with clock:
                        return await following(request, call)
            except TimeoutError as error:
                if not clock.expired():
                    raise
                raise DeadlineExceeded("DEADLINE_EXCEEDED", f"It took longer than {default:g} s.") from error

        return limited


class Limits:
    """So many calls at once, streams counted apart from unary calls; more are refused at once."""

    def __init__(self, max_in_flight: int) -> None:
        self._most = max_in_flight
        self._unary = _Count()
        self._streams = _Count()
        self.idle = asyncio.Event()
        self.idle.set()

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self._unary.now + self._streams.now

    def around(self, method: Method, following: Handler) -> Handler:
        """Every rpc; health and reflection never come through here."""
        most, count = self._most, self._streams if method.streams else self._unary

        async def counted(request: Any, call: Call) -> Any:
            if count.now >= most:
                raise ResourceExhausted(
                    "TOO_MANY_CALLS", "The service has as many calls under way as it takes.", retry_after=BUSY_RETRY
                )
            count.now += 1
            self.idle.clear()
            try:
                return await following(request, call)
            finally:
                count.now -= 1
                if not self.in_flight:
                    self.idle.set()

        return counted


class Verifier(Protocol):
    """Turns a credential into a principal; access.TokenVerifier is one."""

    async def verify(self, token: str) -> Principal:
        """Unauthenticated, or Unavailable when it cannot be known now."""


class Authentication:
    """Finds out who calls. A bad token stops only an rpc that needs one: signing in again must stay possible."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def around(self, method: Method, following: Handler) -> Handler:
        """Every rpc, also public ones: some show more to those who are signed in."""
        verify, public = self._verifier.verify, method.rule.public

        async def authenticated(request: Any, call: Call) -> Any:
            credential = call.headers.get("authorization")
            if credential:
                try:
                    call.principal = await verify(_bearer(credential))
                    authorization.set(str(credential))  # a call runs in a context of its own: nothing to take back
                except (Unauthenticated, Unavailable) as problem:
                    if not public:
                        raise
                    call.token_problem = problem
            return await following(request, call)

        return authenticated


class Access:
    """Enforces the rule of the rpc. A request whose resource name is malformed hears that instead of a denial."""

    def __init__(self, owner_of: OwnerOf, violations_of: Callable[[Message], Sequence[FieldViolation]]) -> None:
        self._owner_of, self._violations_of = owner_of, violations_of

    def around(self, method: Method, following: Handler) -> Handler:
        """Every rpc that is not public."""
        rule, owner_of = method.rule, self._owner_of
        if rule.public:
            return following

        async def permitted(request: Any, call: Call) -> Any:
            try:
                await decide_access(rule, request, call.principal, owner_of)
            except PermissionDenied as refusal:
                wrong = [each for each in self._violations_of(request) if each.field == rule.field]
                raise (invalid(wrong) if wrong else refusal) from None
            return await following(request, call)

        return permitted


class _Count:
    __slots__ = ("now",)

    def __init__(self) -> None:
        self.now = 0


def _bearer(credential: str | bytes) -> str:
    scheme, _, token = str(credential).partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("TOKEN_INVALID", "The authorization header must be 'Bearer <access token>'.")
    return token.strip()


def _code_name(call: Call) -> str:
    code = call.code()
    return code.name if isinstance(code, grpc.StatusCode) else grpc_code_name(code)


def grpc_code_name(number: Any) -> str:
    """The canonical name of a status code that grpc gives as a number; UNKNOWN for any other."""
    return next((code.name for code in grpc.StatusCode if code.value[0] == number), "UNKNOWN")
