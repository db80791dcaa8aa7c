"""What the providers beside the card network have in common: books of their own, faults, webhooks, a pay page.

A provider is a package `gateway_sandbox/<name>/` with a class that is a `Provider`; its HTTP lives below `/<name>`.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from aiohttp import web

from gateway_sandbox.ids import new_id
from gateway_sandbox.ledger import Answer, Ledger, Object
from gateway_sandbox.switches import Switches


@dataclass(frozen=True, slots=True)
class Envelope:
    """A webhook as it goes out. query: appended to the address."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


class Provider(Protocol):
    """One provider's far end. `credentials` of both sides come from the file that the merchant reads too."""

    name: str

    def __init__(self, till: "Till", credentials: Mapping[str, str]) -> None: ...

    @staticmethod
    def make_credentials(url: str) -> Mapping[str, str]:
        """Those of a new merchant: "url" (base for its SDK), keys and secrets by the names that its adapter reads.

        Names that begin with "far_" belong to this side and are not given to the merchant.
        """

    def routes(self) -> Sequence[web.RouteDef]:
        """The API, with paths below `/<name>`; `Till.faulty` wraps what merchants call."""

    def envelope(self, notice: Object) -> Envelope:
        """A notice (see `Till.tell`) as a signed webhook, signed now."""

    def tick(self) -> None:
        """What time alone brings, such as refunds that settle; called twice a second inside a transaction."""

    def pay(self, id: str, passes: bool) -> str:
        """The payer agrees, or does not, on the pay page of order `id`; where the page sends the payer then, or ""."""

    def shown(self, id: str) -> str:
        """What the pay page says of order `id`, such as "19.99 EUR to Usher"; KeyError for an unknown one."""


@runtime_checkable
class Disputing(Protocol):
    """A provider whose payers can ask their bank for the money back."""

    def dispute(self, id: str, verdict: str, amount: int | None) -> None:
        """Of what the merchant knows by that id: "open", "lost" or "won", also after another verdict. KeyError.

        amount: smallest units; None: of a new dispute all of it. Called inside a transaction; tells the merchant.
        """


@dataclass
class Till:
    """The books of one provider and what tests may make it do wrong. `acted`: there may be webhooks to send.

    webhook_url: the merchant's address for them, which some providers sign; "": none.
    """

    name: str
    folder: Path
    public_url: str = ""
    webhook_url: str = ""
    acted: Callable[[], None] = lambda: None
    switches: Switches = field(default_factory=Switches)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.folder / self.name)

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; nothing is awaited inside."""
        return self.ledger.transaction()

    @staticmethod
    def new_id(prefix: str = "") -> str:
        """See ids.new_id."""
        return new_id(prefix)

    def save(self, kind: str, id: str, body: Mapping[str, Any], parent: str = "") -> None:
        """Keep it under its id, which no other object of this provider has."""
        self.ledger.save({**body, "object": kind, "id": id}, parent)

    def load(self, kind: str, id: str) -> Object | None:
        """The object, with `id` and `object` in it."""
        return self.ledger.load(kind, id)

    def page(self, kind: str, parent: str = "") -> Sequence[Object]:
        """Newest first."""
        return self.ledger.page(kind, parent=parent)

    def once(self, key: str, endpoint: str, given: Any, act: Callable[[], tuple[int, Any]]) -> tuple[int, Any, bool]:
        """Act under an idempotency key, or give what it was answered before.

        Status, JSON body, and whether `given` is what the key was first used with.
        """
        fingerprint = hashlib.sha256(json.dumps(given, sort_keys=True, default=str).encode()).hexdigest()
        if earlier := self.ledger.answer(key):
            same = (earlier.endpoint, earlier.fingerprint) == (endpoint, fingerprint)
            return earlier.status, json.loads(earlier.body), same
        status, body = act()
        self.ledger.remember(key, Answer(endpoint, fingerprint, "", status, json.dumps(body)))
        return status, body, True

    def charged(self, id: str, order: str, amount: int, currency: str, *, taken: bool = True) -> None:
        """Enter that money was taken (or refused) for the merchant's `order`; amounts in minor units of ISO 4217."""
        status = "succeeded" if taken else "failed"
        body = {"amount": amount, "amount_captured": amount if taken else 0, "captured": taken, "currency": currency}
        self.save("charge", id, {**body, "order": order, "status": status, "created": int(time.time())}, parent=order)

    def refunded(self, id: str, order: str, amount: int, currency: str, status: str = "succeeded") -> None:
        """Enter that money was given back; status "pending", "succeeded" or "failed", entered again when it changes."""
        body = {"amount": amount, "currency": currency, "order": order, "status": status, "created": int(time.time())}
        self.save("refund", id, body, parent=order)

    def tell(self, notice: Mapping[str, Any]) -> None:
        """Send a webhook that says so, until it is acknowledged."""
        id = self.new_id("n")
        self.save("notice", id, notice)
        self.ledger.enqueue({"id": id}, time.time())

    def faulty(self, handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        """The handler with the faults that are switched on; `fail_requests` answers 500 before it acts.

        Handlers do not await between reading the request and their answer, but for the request's own body.
        """

        async def handle(request: web.Request) -> web.StreamResponse:
            if self.switches.take("fail_requests"):
                return web.json_response({"error": "the far side is out of order"}, status=500)
            drop = self.switches.take("drop_answers")
            response: web.StreamResponse = await handler(request)
            self.acted()
            await self.switches.wait()
            if drop and request.transport is not None:
                request.transport.abort()
            return response

        return handle

    def pay_url(self, id: str) -> str:
        """The page where a payer agrees to order `id`."""
        return f"{self.public_url}/pay/{self.name}/{id}"
