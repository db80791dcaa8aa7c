"""What organizers say about gateways, in MongoDB."""

import time
from collections.abc import Mapping
from typing import Any

from domain_kit.backbone import EncodedEvent
from domain_kit.refusals import Aborted, AlreadyExists, NotFound
from domain_kit.repository import Cause, DomainEvent
from mongo_store import MongoRepository
from mongo_store.repository import Journaling
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.wire.payments import settings_to_wire
from resource_api import etag_of
from usher.payment.v1 import domain_events_pb2 as pb

SETTINGS = "payment_settings"
MOMENT = 1.0  # seconds
MOST_KNOWN = 256


class MongoPaymentSettings(MongoRepository[PaymentSettings]):
    """payment_service.domain.ports.PaymentSettingsRepository."""

    def __init__(self, journal: Journaling) -> None:
        super().__init__(
            journal,
            collection=SETTINGS,
            to_document=_to_document,
            from_document=_from_document,
            encode=_encode,
            etag_of=etag_of,
        )
        self._lately: dict[str, tuple[float, PaymentSettings]] = {}

    async def of(self, organizer: str) -> PaymentSettings:
        """Of `organizers/{organizer}`; the usual ones where nothing was ever said."""
        name = f"{organizer}/paymentSettings"
        try:
            return await self.get(name)
        except NotFound:
            return PaymentSettings(name)

    async def lately(self, organizer: str) -> PaymentSettings:
        """As of a moment ago, for what is asked with each payment; what this process changes counts at once."""
        known = self._lately.get(organizer)
        if known is not None and time.monotonic() - known[0] < MOMENT:
            return known[1]
        settings = await self.of(organizer)
        if len(self._lately) >= MOST_KNOWN:
            self._lately.clear()
        self._lately[organizer] = time.monotonic(), settings
        return settings

    async def change(self, organizer: str, wanted: PaymentSettings, *, etag: str, cause: Cause) -> PaymentSettings:
        """Say so; InvalidArgument, Aborted ETAG_MISMATCH."""
        try:
            return await self._changed(await self.of(organizer), wanted, etag=etag, cause=cause)
        finally:
            self._lately.pop(organizer, None)

    async def _changed(
        self, before: PaymentSettings, wanted: PaymentSettings, *, etag: str, cause: Cause
    ) -> PaymentSettings:
        if before.version:
            return await self.update(before.name, lambda settings: settings.changed(wanted), etag=etag, cause=cause)
        if etag and etag != etag_of(0):
            raise _changed_meanwhile(before.name)
        after, made = before.changed(wanted)
        if not made:
            return before
        try:
            return await self.create(after, made, cause=cause)
        except AlreadyExists:
            raise _changed_meanwhile(before.name) from None


def _changed_meanwhile(name: str) -> Aborted:
    return Aborted(
        "ETAG_MISMATCH", f"{name} has changed since it was read; read it again.", metadata={"resource": name}
    )


def _to_document(settings: PaymentSettings) -> Mapping[str, Any]:
    return {
        "pinned": settings.pinned,
        "order": list(settings.order),
        "excluded": list(settings.excluded),
        "reserve": settings.reserve,
        "mails_invoices": settings.mails_invoices,
    }


def _from_document(document: Mapping[str, Any]) -> PaymentSettings:
    return PaymentSettings(
        document["_id"],
        document["pinned"],
        tuple(document["order"]),
        tuple(document["excluded"]),
        document["reserve"],
        document.get("mails_invoices", True),
        document["version"],
    )


def _encode(_fact: DomainEvent, settings: PaymentSettings) -> EncodedEvent:
    message = pb.PaymentSettingsChanged(payment_settings=settings_to_wire(settings))
    return EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True))
