"""The id that ties together everything one request sets in motion, through every service and domain event."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from domain_kit.ids import new_id

_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def correlation_id() -> str:
    """The id bound in this context, or an empty string."""
    return _correlation_id.get()


def new_correlation_id() -> str:
    """A fresh ULID."""
    return new_id()


def accepted_correlation_id(sent: str | None) -> str:
    """What a caller sent if it is fit for a header and a log line (128 of `A-Za-z0-9._:-`), else a new id."""
    return sent if sent and _ACCEPTABLE.fullmatch(sent) else new_correlation_id()


@contextmanager
def bind_correlation_id(value: str) -> Iterator[None]:
    """Bind it for the block and for tasks started in it."""
    token = _correlation_id.set(value)
    try:
        yield
    finally:
        _correlation_id.reset(token)
