"""usher.event.v1.EventDate ↔ domain."""

from event_service.domain.event_date import EventDate
from resource_api import etag_of, time_from_wire, time_to_wire
from usher.event.v1 import event_date_pb2 as pb


def event_date_to_wire(event: str, date: EventDate) -> pb.EventDate:
    """The message of a date of `event`."""
    return pb.EventDate(
        name=f"{event}/dates/{date.id}",
        display_name=date.display_name,
        start_time=time_to_wire(date.start_time),
        end_time=time_to_wire(date.end_time),
        cancelled=date.cancelled,
        etag=etag_of(date.revision),
    )


def event_date_from_wire(_event: str, id: str, message: pb.EventDate) -> EventDate:
    """What a message says of date `id`; InvalidArgument TIME_OUT_OF_RANGE."""
    return EventDate(
        id=id,
        start_time=time_from_wire(message.start_time, field="event_date.start_time"),
        end_time=time_from_wire(message.end_time, field="event_date.end_time"),
        display_name=message.display_name,
        cancelled=message.cancelled,
    )
