"""Events as MongoDB documents and back."""

from collections.abc import Mapping
from typing import Any

from event_service.domain.details import EventDetails
from event_service.domain.event import Event, State
from event_service.domain.offer import Offer
from event_service.outbound.plain_values import from_plain, to_plain


def to_document(event: Event) -> dict[str, Any]:
    """The document of an event; the store adds `_id` and `version`."""
    return {
        "organizer": event.organizer,
        "state": event.state.value,
        "details": to_plain(event.details),
        **to_plain(event.offer),
        "create_time": event.create_time,
        "update_time": event.update_time,
        "publish_time": event.publish_time,
        "cancel_time": event.cancel_time,
        "cancel_reason": event.cancel_reason,
        "delete_time": event.delete_time,
        "unchecked": list(event.unchecked),
    }


def from_document(document: Mapping[str, Any]) -> Event:
    """The event of a document; what an older one does not say is as it is made."""
    return Event(
        name=document["_id"],
        version=document["version"],
        organizer=document["organizer"],
        state=State(document["state"]),
        details=from_plain(EventDetails, document["details"]),
        offer=from_plain(Offer, document),
        create_time=document["create_time"],
        update_time=document["update_time"],
        publish_time=document["publish_time"],
        cancel_time=document["cancel_time"],
        cancel_reason=document["cancel_reason"],
        delete_time=document["delete_time"],
        unchecked=tuple(document.get("unchecked", ())),
    )
