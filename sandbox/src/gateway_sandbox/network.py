"""What every act on the card network shares: instants, events, and finding things."""

import time
from collections.abc import Callable, Collection
from typing import Any

from gateway_sandbox.errors import missing
from gateway_sandbox.ids import new_id
from gateway_sandbox.ledger import Ledger, Object

API_VERSION = "2026-10-28.endive"


class Network:
    """One request's view of the ledger: what it changes and the events that tell of it are one transaction.

    pages: the address of this server, as browsers reach it.
    """

    def __init__(
        self,
        ledger: Ledger,
        subscribed: Collection[str] = (),
        *,
        request: str = "",
        idempotency_key: str | None = None,
        pages: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ledger = ledger
        self._pages = pages
        self._subscribed = subscribed
        self._request = request
        self._idempotency_key = idempotency_key
        self._clock = clock

    def now(self) -> int:
        """Unix seconds, as Stripe writes instants."""
        return int(self._clock())

    def page_of(self, intent: str) -> str:
        """Where a payer's browser goes for the challenge of 3-D Secure."""
        return f"{self._pages}/pay/stripe/{intent}"

    def find(self, kind: str, identifier: str, *, param: str = "id", in_path: bool = True) -> Object:
        """The object or the error for a missing one."""
        found = self.ledger.load(kind, identifier)
        if found is None:
            raise missing(kind, identifier, param=param, in_path=in_path)
        return found

    def emit(self, kind: str, thing: Object) -> None:
        """Record an event with a snapshot of the object as it is now; the webhook gets it if it subscribed."""
        event: dict[str, Any] = {
            "id": new_id("evt_"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": {"object": thing},
            "livemode": False,
            "pending_webhooks": int(kind in self._subscribed),
            "request": {"id": self._request or None, "idempotency_key": self._idempotency_key},
            "type": kind,
        }
        self.ledger.save(event)
        if kind in self._subscribed:
            self.ledger.enqueue(event, self._clock())
