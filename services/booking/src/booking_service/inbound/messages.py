"""What comes in, from protobuf: requests, and what the event and payment services tell."""

from booking_service.domain.offer import LEAST_PER_BOOKING, MOST_PER_BOOKING, Offer, OfferedType, OfferState
from booking_service.domain.ports import Condition
from booking_service.domain.selling import Wanted
from resource_api import Choice, FilterFields, Text, money_from_wire, time_from_wire
from usher.booking.v1 import booking_pb2, booking_service_pb2
from usher.event.v1 import domain_events_pb2, event_pb2, ticket_type_pb2

STATE_PREFIX = "BOOKING_STATE_"
_STATES = [value.name for value in booking_pb2.BookingState.DESCRIPTOR.values if value.number]
_FILTER = FilterFields({"state": Choice(_STATES), "buyer": Text()})


def wanted_from_wire(request: booking_service_pb2.CreateBookingRequest) -> list[Wanted]:
    """The lines asked for; everything else in the booking is ours to say."""
    return [Wanted(line.ticket_type, line.quantity) for line in request.booking.lines]


def conditions_from_filter(text: str) -> list[Condition]:
    """InvalidArgument FILTER_INVALID."""
    return [
        Condition(
            each.field,
            str(each.value).removeprefix(STATE_PREFIX if each.field == "state" else ""),
            each.operator == "=",
        )
        for each in _FILTER.parse(text)
    ]


def offer_from_wire(snapshot: domain_events_pb2.EventSnapshot, version: int) -> Offer:
    """The event as it is sold, after its domain event number `version`. ValueError for one without times."""
    event = snapshot.event
    start, end = time_from_wire(event.start_time), time_from_wire(event.end_time)
    if start is None or end is None:
        raise ValueError(f"{event.name} has no times")
    return Offer(
        event=event.name,
        organizer=event.organizer,
        title=event.title,
        state=OfferState(event_pb2.EventState.Name(event.state).removeprefix("EVENT_STATE_")),
        start_time=start,
        end_time=end,
        time_zone=event.time_zone,
        ticket_types=tuple(_type_from_wire(each) for each in snapshot.ticket_types),
        capacities={_id_of(pool.name): pool.capacity for pool in snapshot.capacity_pools},
        version=version,
        published=event.HasField("publish_time"),
        venue_name=event.venue.display_name,
        venue_address=_address_of(event.venue),
        location=_location_of(event.venue),
    )


def _address_of(venue: event_pb2.Venue) -> str:
    parts = (venue.street_address, venue.city, venue.region, venue.country_code)
    return ", ".join(part for part in parts if part)


def _location_of(venue: event_pb2.Venue) -> tuple[float, float] | None:
    at = venue.location
    return (at.latitude, at.longitude) if venue.HasField("location") else None


def _type_from_wire(kind: ticket_type_pb2.TicketType) -> OfferedType:
    return OfferedType(
        name=kind.name,
        display_name=kind.display_name,
        price=money_from_wire(kind.price),
        pools=tuple(_id_of(pool) for pool in kind.capacity_pools),
        sale_start=time_from_wire(kind.sale_start_time),
        sale_end=time_from_wire(kind.sale_end_time),
        least=kind.min_per_booking or LEAST_PER_BOOKING,
        most=kind.max_per_booking or MOST_PER_BOOKING,
    )


def _id_of(name: str) -> str:
    return name.rpartition("/")[2]
