"""Page tokens (AIP-158): signed cursors that continue one query and no other."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message

from domain_kit.refusals import InvalidArgument

Cursor = tuple[Any, ...]
DEFAULT_SIZE = 50
LARGEST_SIZE = 500
_MAC_BYTES = 16
_LONGEST_TOKEN = 4096


def page_size_of(request: Message, *, default: int = DEFAULT_SIZE, largest: int = LARGEST_SIZE) -> int:
    """How many items to return: `page_size`, `default` for 0, `largest` at most. InvalidArgument PAGE_SIZE_INVALID."""
    wanted: int = request.page_size  # type: ignore[attr-defined]  # every list request has it
    if wanted < 0:
        raise InvalidArgument.of("page_size", "must not be negative.", reason="PAGE_SIZE_INVALID")
    return min(wanted or default, largest)


class PageTokens:
    """Makes and reads tokens under a secret `key`, which all replicas of a service share.

    A cursor is the sort key of the last item: strings, numbers, booleans, None and datetimes. `bound_to` adds what else
    the answer depends on, for example the caller where a list shows only their own.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("a page token key has at least 16 bytes")
        self._key = hashlib.blake2b(key, person=b"page tokens", digest_size=32).digest()

    def token_for(self, request: Message, cursor: Sequence[Any] | None, *, bound_to: str = "") -> str:
        """`next_page_token` for the page after `cursor`; "" for None, which is after the last page."""
        if cursor is None:
            return ""
        # Not ASCII only: six bytes a letter would make tokens longer than the contracts let one be sent back.
        payload = json.dumps([_encode(value) for value in cursor], ensure_ascii=False, separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(request, bound_to, payload) + payload).rstrip(b"=").decode()

    def cursor_of(self, request: Message, *, bound_to: str = "") -> Cursor | None:
        """Where the page begins; None for the first.

        InvalidArgument PAGE_TOKEN_INVALID for a token that is forged or belongs to a request with other fields
        (`page_size` may differ).
        """
        token: str = request.page_token  # type: ignore[attr-defined]  # every list request has it
        if not token:
            return None
        try:
            if len(token) > _LONGEST_TOKEN:
                raise ValueError
            raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
            mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
            if not hmac.compare_digest(mac, self._mac(request, bound_to, payload)):
                raise ValueError
            return tuple(_decode(value) for value in json.loads(payload))
        except ValueError:
            raise InvalidArgument.of(
                "page_token", "is not one that this query returned.", reason="PAGE_TOKEN_INVALID"
            ) from None

    def _mac(self, request: Message, bound_to: str, payload: bytes) -> bytes:
        query = type(request)()
        query.CopyFrom(request)
        for field in ("page_token", "page_size"):
            query.ClearField(field)
        parts = (
            request.DESCRIPTOR.full_name.encode(),
            query.SerializeToString(deterministic=True),
            bound_to.encode(),
            payload,
        )
        signed = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            signed.update(len(part).to_bytes(8, "big") + part)
        return signed.digest()[:_MAC_BYTES]


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return {"t": value.astimezone(UTC).isoformat()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a cursor cannot hold {type(value).__name__}")


def _decode(value: Any) -> Any:
    return datetime.fromisoformat(value["t"]) if isinstance(value, dict) else value
