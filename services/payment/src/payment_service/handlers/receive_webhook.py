"""Verify a webhook, keep it, acknowledge it; it is applied afterwards."""

from collections.abc import Callable, Sequence

from domain_kit.clock import Clock
from payment_service.domain.gateways import Acknowledgement, Delivery, FetchingWebhooks, Webhooks
from payment_service.domain.webhook_inbox import Kept, WebhookInbox


async def receive_webhook(
    inbox: WebhookInbox,
    gateway: str,
    webhooks: Webhooks,
    delivery: Delivery,
    *,
    clock: Clock,
    on_kept: Callable[[Sequence[Kept]], None],
) -> Acknowledgement:
    """What the gateway wants to hear, once it is on the disk. Unauthenticated, InvalidArgument, Unavailable."""
    now = clock()
    if isinstance(webhooks, FetchingWebhooks):
        notices = await webhooks.read_apart(delivery, now)
    else:
        notices = webhooks.read(delivery, now)
    on_kept(await inbox.keep(gateway, notices, delivery, now))
    return webhooks.acknowledgement
