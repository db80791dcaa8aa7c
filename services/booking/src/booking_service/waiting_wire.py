"""A waiting list entry as a protobuf message, for answers and for domain events alike."""

from booking_service.domain.waiting_entry import WaitingEntry
from resource_api import etag_of, time_to_wire
from usher.booking.v1 import waiting_list_entry_pb2 as pb

ENTRY_STATE_PREFIX = "WAITING_LIST_ENTRY_STATE_"


def entry_to_wire(entry: WaitingEntry) -> pb.WaitingListEntry:
    """The resource, etag included."""
    return pb.WaitingListEntry(
        name=entry.name,
        event=entry.event,
        organizer=entry.organizer,
        user=entry.user,
        ticket_type=entry.ticket_type,
        date=entry.date,
        quantity=entry.quantity,
        priority=entry.priority,
        state=pb.WaitingListEntryState.Value(f"{ENTRY_STATE_PREFIX}{entry.state.name}"),
        booking=entry.booking,
        lapse_reason=entry.lapse_reason,
        create_time=time_to_wire(entry.create_time),
        update_time=time_to_wire(entry.update_time),
        offer_time=time_to_wire(entry.offer_time),
        offer_expire_time=time_to_wire(entry.offer_expire_time),
        end_time=time_to_wire(entry.end_time),
        etag=etag_of(entry.version),
        currency_code=entry.currency,
    )
