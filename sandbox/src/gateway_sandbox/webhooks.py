"""Signed webhooks, each sent until the receiver answers 2xx (https://docs.stripe.com/webhooks)."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence

import aiohttp

from gateway_sandbox.ledger import Delivery, Ledger, Object
from gateway_sandbox.provider import Envelope
from gateway_sandbox.switches import Switches

# What a ticket shop's endpoint subscribes to.
SUBSCRIBED = frozenset({
    "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled",
    "payment_intent.requires_action", "payment_intent.amount_capturable_updated",
    "charge.dispute.created", "charge.dispute.closed", "charge.refunded", "refund.updated", "refund.failed",
})  # fmt: skip
AT_ONCE = 32
ANSWER_WITHIN_SECONDS = 10.0
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0
GATHER_SECONDS = 0.3
TICK_SECONDS = 0.5


def signature(secret: str, payload: bytes, now: int) -> str:
    """Value of Stripe-Signature: HMAC-SHA256 over "<t>.<payload>"."""
    signed = hmac.new(secret.encode(), f"{now}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={now},v1={signed}"


def stripe_envelope(event: Object, secret: str) -> Envelope:
    """An event as Stripe sends it."""
    payload = json.dumps(event, indent=2).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(secret, payload, int(time.time())),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    return Envelope(payload, headers)


class Courier:
    """Carries due deliveries to `url`, several at once and so in no promised order, as Stripe does.

    envelope: what is sent for a delivery, signed now. tick: what time alone brings, called inside a transaction.
    """

    def __init__(
        self,
        ledger: Ledger,
        switches: Switches,
        url: str,
        envelope: Callable[[str], Envelope],
        tick: Callable[[], None],
    ) -> None:
        self._ledger, self._switches, self._url = ledger, switches, url
        self._envelope, self._tick = envelope, tick
        self._wake = asyncio.Event()
        self._under_way: set[str] = set()

    def wake(self) -> None:
        """Look for due deliveries now."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled; what was not acknowledged by then is sent again after a restart."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as tasks:
            while True:
                self._wake.clear()
                with self._ledger.transaction():
                    self._tick()
                for batch in self._batches():
                    self._under_way.update(each.event for each in batch)
                    tasks.create_task(self._carry(session, batch))
                await self._pause()

    async def _pause(self) -> None:
        # Not wait_for: in Python 3.11 it loses a cancellation that comes together with the event.
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return

    def _batches(self) -> Sequence[Sequence[Delivery]]:
        if not self._url or self._switches.hold_webhooks or self._switches.down:
            return []
        now = time.time()
        due = [each for each in self._ledger.due(now, 64) if each.event not in self._under_way]
        if not self._switches.reorder_webhooks:
            return [[each] for each in due[: AT_ONCE - len(self._under_way)]] if len(self._under_way) < AT_ONCE else []
        if not due or now - due[0].made < GATHER_SECONDS:
            return []
        return [due[::-1]]

    async def _carry(self, session: aiohttp.ClientSession, batch: Sequence[Delivery]) -> None:
        for delivery in batch:
            arrived = await self._send(session, delivery.event)
            if arrived and self._switches.duplicate_webhooks:
                await self._send(session, delivery.event)
            if arrived:
                self._ledger.delivered(delivery.event)
            else:
                wait = min(FIRST_RETRY_SECONDS * 2 ** min(delivery.attempts, 10), LAST_RETRY_SECONDS)
                self._ledger.postpone(delivery.event, time.time() + wait)
            self._under_way.discard(delivery.event)
        self.wake()

    async def _send(self, session: aiohttp.ClientSession, event: str) -> bool:
        envelope = self._envelope(event)
        url = f"{self._url}?{envelope.query}" if envelope.query else self._url
        try:
            async with session.post(url, data=envelope.body, headers=envelope.headers, allow_redirects=False) as answer:
                return 200 <= answer.status < 300
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
