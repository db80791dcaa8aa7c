# ruff: noqa: D102 what has no docstring here does what grpc says of it
"""The call being served: grpc's context with who calls, what they sent along, and why a write happens."""

import functools
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Never

import grpc
import grpc.aio
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from access import Principal
from domain_kit.ids import new_id
from domain_kit.refusals import Refusal, Unauthenticated
from domain_kit.repository import Cause
from grpc_runtime.method import Method
from telemetry import correlation_id, current_traceparent

ANONYMOUS = "anonymous"


class Contents(NamedTuple):
    """What a request says beside its id and its secrets. digest: SHA-256. secrets: whether it has any."""

    digest: bytes
    secrets: bool


class Call(grpc.aio.ServicerContext[Any, Any]):
    """What a servicer gets as `context`. Everything grpc's own context does, and what the interceptors found out.

    headers: request metadata by lower-case name; values of `-bin` names are bytes.
    principal: who calls, or None; `token_problem` is why not, when a token came along with a public rpc.
    """

    def __init__(self, context: Any, method: Method) -> None:
        self._context = context
        self.method = method
        self.headers: Mapping[str, str | bytes] = dict(context.invocation_metadata() or ())
        self.principal: Principal | None = None
        self.token_problem: Refusal | None = None
        self._contents: tuple[Message, Contents] | None = None

    async def abort(self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()) -> Never:
        await self._context.abort(code, details, trailing_metadata)
        raise AssertionError("abort raises")

    async def abort_with_status(self, status: Any) -> Never:
        await self._context.abort_with_status(status)
        raise AssertionError("abort raises")

    async def read(self) -> Any:
        return await self._context.read()

    async def write(self, message: Any) -> None:
        await self._context.write(message)

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        await self._context.send_initial_metadata(initial_metadata)

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._context.set_trailing_metadata(trailing_metadata)

    def invocation_metadata(self) -> Any:
        return self._context.invocation_metadata()

    def set_code(self, code: grpc.StatusCode) -> None:
        self._context.set_code(code)

    def set_details(self, details: str) -> None:
        self._context.set_details(details)

    def set_compression(self, compression: grpc.Compression) -> None:
        self._context.set_compression(compression)

    def disable_next_message_compression(self) -> None:
        self._context.disable_next_message_compression()

    def peer(self) -> str:
        return str(self._context.peer())

    def peer_identities(self) -> Iterable[bytes] | None:
        identities: Iterable[bytes] | None = self._context.peer_identities()
        return identities

    def peer_identity_key(self) -> str | None:
        key: str | None = self._context.peer_identity_key()
        return key

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        found: Mapping[str, Iterable[bytes]] = self._context.auth_context()
        return found

    def time_remaining(self) -> Any:
        """Seconds the client still waits; None when it set no deadline."""
        return self._context.time_remaining()

    def trailing_metadata(self) -> Any:
        return self._context.trailing_metadata()

    def code(self) -> Any:
        return self._context.code()

    def details(self) -> Any:
        return self._context.details()

    def add_done_callback(self, callback: Any) -> None:
        self._context.add_done_callback(callback)

    def cancelled(self) -> bool:
        return bool(self._context.cancelled())

    def done(self) -> bool:
        return bool(self._context.done())

    def contents(self, request: Message) -> Contents:
        """See `contents_of`; of the request that is being served worked out once."""
        if self._contents is None or self._contents[0] is not request:
            self._contents = request, contents_of(request)
        return self._contents[1]


def call_of(context: object) -> Call:
    """The Call behind what a servicer got as context. TypeError outside the runtime."""
    if not isinstance(context, Call):
        raise TypeError("the servicer was not called through grpc_runtime")
    return context


def caller_of(context: object) -> Principal | None:
    """Who calls, None for an anonymous call of a public rpc."""
    return call_of(context).principal


def principal_of(context: object) -> Principal:
    """Who calls. Unauthenticated: TOKEN_MISSING, or what was wrong with the token a public rpc came with."""
    call = call_of(context)
    if call.principal is not None:
        return call.principal
    raise call.token_problem or Unauthenticated("TOKEN_MISSING", "This call needs an access token.")


def header_of(context: object, name: str) -> str:
    """A request header, empty when it was not sent; `name` in any case. For example a webhook's signature."""
    value = call_of(context).headers.get(name.lower(), "")
    return value if isinstance(value, str) else value.decode("latin-1")


def cause_of(request: Message, context: object, *, key: bytes = b"") -> Cause:
    """The cause of a write: the request id of this principal in this rpc, with a fingerprint of everything else sent.

    Without a request id (empty, or the message has none) every call is its own cause and needs no fingerprint. Fields
    marked `debug_redact` are secrets, and a plain hash of a password can be guessed by whoever reads the store: they
    are left out, or with `key`, a secret that all replicas share, the fingerprint is an HMAC of everything.
    """
    call = call_of(context)
    actor = call.principal.user if call.principal is not None else ANONYMOUS
    request_id: str = getattr(request, "request_id", "")
    return Cause(
        key=f"{actor}|{call.method.full_name}|{request_id or new_id()}",
        fingerprint=_fingerprint(request, call, key) if request_id else b"",
        actor=actor,
        correlation_id=correlation_id(),
        traceparent=current_traceparent(),
    )


def contents_of(request: Message) -> Contents:
    """Of a message that has the field `request_id`. Secrets: fields marked `debug_redact`."""
    rest = _without_request_id(request)
    secrets = _may_hold_secrets(request.DESCRIPTOR)
    if secrets:
        size = rest.ByteSize()
        _clear_secrets(rest)
        secrets = rest.ByteSize() != size
    return Contents(hashlib.sha256(rest.SerializeToString(deterministic=True)).digest(), secrets)


def _without_request_id(request: Message) -> Message:
    copy = type(request)()
    copy.CopyFrom(request)
    copy.ClearField("request_id")
    return copy


def _fingerprint(request: Message, call: Call, key: bytes) -> bytes:
    if not key:
        return call.contents(request).digest
    whole = _without_request_id(request).SerializeToString(deterministic=True)
    return hmac.digest(key, request.DESCRIPTOR.full_name.encode() + b"\0" + whole, "sha256")


@functools.cache
def _may_hold_secrets(descriptor: Descriptor) -> bool:
    """Whether a message of this kind has a field marked `debug_redact`, however deep."""
    kinds, seen = [descriptor], set[str]()
    while kinds:
        kind = kinds.pop()
        seen.add(kind.full_name)
        if any(field.GetOptions().debug_redact for field in kind.fields):
            return True
        within = [each.message_type for each in kind.fields if each.message_type is not None]
        kinds += [each for each in within if each.full_name not in seen]
    return False


@functools.cache
def _secrets_of(descriptor: Descriptor) -> tuple[Sequence[str], Sequence[tuple[str, bool]]]:
    """Fields that are secrets; fields that may hold some, with whether they are repeated."""
    secret = [field.name for field in descriptor.fields if field.GetOptions().debug_redact]
    holding = [
        (field.name, field.is_repeated) for field in descriptor.fields
        if field.name not in secret and field.message_type is not None
        and not field.message_type.GetOptions().map_entry and _may_hold_secrets(field.message_type)
    ]  # fmt: skip
    return secret, holding


def _clear_secrets(message: Message) -> None:
    secret, holding = _secrets_of(message.DESCRIPTOR)
    for name in secret:
        message.ClearField(name)
    for name, repeated in holding:
        if repeated:
            for each in getattr(message, name):
                _clear_secrets(each)
        elif message.HasField(name):
            _clear_secrets(getattr(message, name))
