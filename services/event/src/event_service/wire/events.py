"""usher.event.v1.Event ↔ domain."""

from google.type.latlng_pb2 import LatLng

from event_service.domain.currencies import OfferedCurrency
from event_service.domain.details import EventDetails, Venue
from event_service.domain.event import Event, State
from event_service.wire.terms import duration_from_wire, duration_to_wire, terms_from_wire, terms_to_wire
from resource_api import etag_of, time_from_wire, time_to_wire
from usher.event.v1 import event_pb2 as pb

STATES = {state: pb.EventState.Value(f"EVENT_STATE_{state.name}") for state in State}


def event_to_wire(event: Event) -> pb.Event:
    """The message of an event, without what is sold for it."""
    message = details_to_wire(event.details)
    message.name = event.name
    message.organizer = event.organizer
    message.state = STATES[event.state]
    message.cancel_reason = event.cancel_reason
    message.unchecked_currency_codes.extend(event.unchecked)
    message.etag = etag_of(event.version)
    for field in ("create_time", "update_time", "publish_time", "cancel_time", "delete_time"):
        instant = getattr(event, field)
        if instant is not None:
            getattr(message, field).CopyFrom(time_to_wire(instant))
    return message


def listed_event_to_wire(event: Event) -> pb.Event:
    """The same without the picture of its tickets: a page holds hundreds."""
    message = event_to_wire(event)
    if message.HasField("booking_terms"):
        message.booking_terms.ClearField("ticket_logo")
    return message


def details_to_wire(details: EventDetails) -> pb.Event:
    """A message with only what an organizer says."""
    return pb.Event(
        title=details.title,
        description=details.description,
        start_time=time_to_wire(details.start_time),
        end_time=time_to_wire(details.end_time),
        time_zone=details.time_zone,
        venue=_venue_to_wire(details.venue),
        online=details.online,
        category=details.category,
        tags=details.tags,
        language_code=details.language_code,
        homepage_uri=details.homepage_uri,
        booking_terms=terms_to_wire(details.booking_terms),
        currency_code=details.currency_code,
        offered_currencies=[
            pb.OfferedCurrency(
                currency_code=each.currency_code,
                rate=each.rate,
                rate_time=time_to_wire(each.rate_time),
                rate_source=each.rate_source,
            )
            for each in details.offered_currencies
        ],
        max_rate_age=duration_to_wire(details.max_rate_age),
    )


def details_from_wire(message: pb.Event, field: str = "event") -> EventDetails:
    """What an organizer says in a message; InvalidArgument TIME_OUT_OF_RANGE, and of money."""
    return EventDetails(
        title=message.title,
        description=message.description,
        start_time=time_from_wire(message.start_time, field=f"{field}.start_time"),
        end_time=time_from_wire(message.end_time, field=f"{field}.end_time"),
        time_zone=message.time_zone,
        venue=_venue_from_wire(message.venue) if message.HasField("venue") else None,
        online=message.online,
        category=message.category,
        tags=tuple(message.tags),
        language_code=message.language_code,
        homepage_uri=message.homepage_uri,
        booking_terms=terms_from_wire(message.booking_terms, f"{field}.booking_terms"),
        currency_code=message.currency_code,
        offered_currencies=tuple(
            OfferedCurrency(
                currency_code=each.currency_code,
                rate=each.rate,
                rate_time=time_from_wire(each.rate_time, field=f"{field}.offered_currencies[{index}].rate_time"),
                rate_source=each.rate_source,
            )
            for index, each in enumerate(message.offered_currencies)
        ),
        max_rate_age=duration_from_wire(message.max_rate_age),
    )


def _venue_to_wire(venue: Venue | None) -> pb.Venue | None:
    if venue is None:
        return None
    located = venue.latitude is not None and venue.longitude is not None
    return pb.Venue(
        display_name=venue.display_name,
        street_address=venue.street_address,
        city=venue.city,
        region=venue.region,
        country_code=venue.country_code,
        location=LatLng(latitude=venue.latitude or 0.0, longitude=venue.longitude or 0.0) if located else None,
    )


def _venue_from_wire(message: pb.Venue) -> Venue:
    located = message.HasField("location")
    return Venue(
        display_name=message.display_name,
        street_address=message.street_address,
        city=message.city,
        region=message.region,
        country_code=message.country_code,
        latitude=message.location.latitude if located else None,
        longitude=message.location.longitude if located else None,
    )
