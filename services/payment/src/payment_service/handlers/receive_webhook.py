"""Verify a webhook, keep it, acknowledge it; it is applied afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from domain_kit.clock import Clock
from payment_service.domain.gateways import Acknowledgement, Delivery, FetchingWebhooks, Notice, Webhooks
from payment_service.domain.webhook_inbox import Kept, WebhookInbox


async def _nobody_knows(_gateway: str, _notice: Notice) -> bool:
    return False


async def receive_webhook(
    inbox: WebhookInbox,
    gateway: str,
    webhooks: Webhooks,
    delivery: Delivery,
    *,
    clock: Clock,
    on_kept: Callable[[Sequence[Kept]], None],
    is_applied: Callable[[str, Notice], Awaitable[bool]] = _nobody_knows,
) -> Acknowledgement:
    """What the gateway wants to hear, once it is on the disk. Unauthenticated, InvalidArgument, Unavailable.

    is_applied: whether a notice of a gateway is known to tell nothing new, so that it need only be kept.
    """
    now = clock()
    if isinstance(webhooks, FetchingWebhooks):
        notices = await webhooks.read_apart(delivery, now)
    else:
        notices = webhooks.read(delivery, now)
    # Together: each may wait for a confirmation that is under way, and the gateway waits for its acknowledgement.
    if len(notices) == 1:  # as nearly always
        known = [await is_applied(gateway, notices[0])]
    else:
        known = await asyncio.gather(*(is_applied(gateway, each) for each in notices))
    applied = [each.id for each, told in zip(notices, known, strict=True) if told]
    on_kept(await inbox.keep(gateway, notices, delivery, now, applied=applied))
    return webhooks.acknowledgement
