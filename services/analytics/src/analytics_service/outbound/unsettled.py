"""Domain events that arrived and are parked, waiting for another or for somebody to look at them."""

from collections.abc import Sequence
from datetime import datetime

from google.protobuf.message import DecodeError

from analytics_service.wire.told import organizer_of
from domain_kit.backbone import Inbox, InboxEvent
from event_backbone import Subscription


class ParkedEvents:
    """analytics_service.domain.ports.Unsettled."""

    def __init__(self, inbox: Inbox, subscriptions: Sequence[Subscription]) -> None:
        self._inbox = inbox
        self._types = {each.consumer: each.by_type() for each in subscriptions}

    async def oldest(self, organizer: str) -> datetime | None:
        """When the first of them happened that may be about this organizer."""
        times = [
            parked.event.time
            for consumer in self._types
            for parked in await self._inbox.parked(consumer)
            if self._may_concern(consumer, parked.event, organizer)
        ]
        return min(times, default=None)

    def _may_concern(self, consumer: str, event: InboxEvent, organizer: str) -> bool:
        if event.type not in self._types[consumer]:
            return False
        kind, _ = self._types[consumer][event.type]
        try:
            return organizer_of(kind.FromString(event.payload)) in (organizer, "")
        except DecodeError:
            return True
