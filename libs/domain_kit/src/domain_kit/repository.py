"""How every service reads and writes its aggregates: one synchronous `decide`, one commit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar


class Aggregate(Protocol):
    """A thing with one identity and one history. `version` counts its domain events: the n-th one has version n."""

    @property
    def name(self) -> str:
        """AIP resource name, the key of its domain events."""

    @property
    def version(self) -> int:
        """0 before it is created; set by the repository, never by the domain."""


A = TypeVar("A", bound=Aggregate)

# A domain event inside a domain: a small frozen dataclass of what happened. The snapshot of the aggregate after it is
# added when it is encoded (`outbound`), so facts stay small and every domain event on the wire carries full state.
DomainEvent = Any

# No input or output inside: the store may call it again after a conflict. Returning the aggregate unchanged with no
# domain events means nothing happened; changing it without a domain event is an error.
Decide = Callable[[A], tuple[A, Sequence[DomainEvent]]]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a write happens. The same `key` with the same `fingerprint` gets the first answer again and writes nothing.

    key: unique in a service: "<principal>|<rpc>|<request id>" for calls, "<consumer>|<domain event id>" for consumers.
    fingerprint: SHA-256 of the payload; another one under the same key is InvalidArgument REQUEST_ID_REUSED.
    actor: resource name of who acts ("users/…", or "services/booking" for background work).
    correlation_id, traceparent: carried on to the domain events it makes.
    """

    key: str
    fingerprint: bytes = b""
    actor: str = ""
    correlation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[A]):
    """Some items and the cursor after the last one; `following` is None on the last page."""

    items: Sequence[A]
    following: tuple[Any, ...] | None


class Repository(Protocol[A]):
    """What handlers see of storage. A service's own repository adds its typed queries to this."""

    async def get(self, name: str) -> A:
        """The aggregate; NotFound."""

    async def create(self, aggregate: A, domain_events: Sequence[DomainEvent], *, cause: Cause) -> A:
        """Store a new aggregate with its first domain events in one commit; AlreadyExists."""

    async def update(self, name: str, decide: Decide[A], *, etag: str = "", cause: Cause) -> A:
        """Read, decide, commit; repeated on conflict. NotFound; Aborted ETAG_MISMATCH; whatever `decide` raises."""
