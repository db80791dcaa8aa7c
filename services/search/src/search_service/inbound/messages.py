"""usher.search.v1 and the domain events of others ↔ domain."""

from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money as MoneyMessage

from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from resource_api import money_from_wire, money_to_wire, time_from_wire, time_to_wire
from search_service.domain.listing import Availability, Details, EventState, Offer, Place
from search_service.domain.ports import Facet, Found, Suggestion
from search_service.domain.query import Order, Point, SearchQuery
from usher.booking.v1 import booking_pb2
from usher.event.v1 import domain_events_pb2, event_pb2, ticket_type_pb2
from usher.search.v1 import search_service_pb2 as pb

_NOT_SOLD = (booking_pb2.SALE_STATE_ENDED, booking_pb2.SALE_STATE_CLOSED)
ORDERS = {pb.SearchEventsRequest.Order.Value(f"ORDER_{order.name}"): order for order in Order}


def query_of(request: pb.SearchEventsRequest) -> SearchQuery:
    """What is asked; InvalidArgument of money and times."""
    return SearchQuery(
        text=request.query,
        start_after=time_from_wire(request.start_after, field="start_after"),
        start_before=time_from_wire(request.start_before, field="start_before"),
        center=Point(request.center.latitude, request.center.longitude) if request.HasField("center") else None,
        radius_meters=request.radius_meters,
        price_min=_money_of(request.price_min, "price_min") if request.HasField("price_min") else None,
        price_max=_money_of(request.price_max, "price_max") if request.HasField("price_max") else None,
        available_only=request.available_only,
        categories=tuple(request.categories),
        country_codes=tuple(request.country_codes),
        organizer=request.organizer,
        online_only=request.online_only,
        order=ORDERS.get(request.order),
    )


def hit_message(found: Found) -> pb.EventHit:
    """The message of an event that matches."""
    place = found.place
    located = place.latitude is not None and place.longitude is not None
    return pb.EventHit(
        event=found.name,
        title=found.title,
        title_highlight=found.title_highlight,
        description_highlights=found.description_highlights,
        start_time=time_to_wire(found.start_time),
        end_time=time_to_wire(found.end_time),
        time_zone=found.time_zone,
        venue=place.venue,
        city=place.city,
        country_code=place.country_code,
        location=LatLng(latitude=place.latitude or 0.0, longitude=place.longitude or 0.0) if located else None,
        online=found.online,
        category=found.category,
        price_from=None if found.price_from is None else money_to_wire(found.price_from),
        available=found.available,
        distance_meters=found.distance_meters,
        organizer=found.organizer,
    )


def facet_message(facet: Facet) -> pb.Facet:
    """The message of counts by one property."""
    return pb.Facet(
        property=facet.property, values=[pb.FacetValue(value=value, count=count) for value, count in facet.values]
    )


def suggestion_message(suggestion: Suggestion) -> pb.Suggestion:
    """The message of something to search for."""
    return pb.Suggestion(text=suggestion.text, kind=suggestion.kind, event=suggestion.event)


def event_state_of(snapshot: domain_events_pb2.EventSnapshot, version: int) -> EventState:
    """The event after domain event `version`. Of one that is not published only the name is taken over."""
    event = snapshot.event
    published = event.state == event_pb2.EVENT_STATE_PUBLISHED
    return EventState(event.name, version, _details_of(snapshot) if published else None)


def availability_of(message: booking_pb2.Availability, version: int) -> Availability:
    """What can be booked of an event after domain event `version` of its availability.

    A type of a series is over once it is over for the last of its dates.
    """
    ended = {each.ticket_type for each in message.ticket_types if each.sale_state == booking_pb2.SALE_STATE_ENDED}
    sold = {each.ticket_type for each in message.ticket_types if each.sale_state not in _NOT_SOLD}
    return Availability(
        event=message.name.rpartition("/")[0],
        version=version,
        bookable=message.bookable,
        ended=frozenset(ended - sold),
        prices={
            each.ticket_type: money_from_wire(each.price) for each in message.ticket_types if each.HasField("price")
        },
    )


def _details_of(snapshot: domain_events_pb2.EventSnapshot) -> Details:
    event, venue = snapshot.event, snapshot.event.venue
    start_time, end_time = time_from_wire(event.start_time), time_from_wire(event.end_time)
    if start_time is None or end_time is None:
        raise InvalidArgument.of("snapshot.event", f"{event.name} is published without its times.")
    located = venue.HasField("location")
    return Details(
        organizer=event.organizer,
        title=event.title,
        description=event.description,
        start_time=start_time,
        end_time=end_time,
        time_zone=event.time_zone,
        place=Place(
            venue=venue.display_name,
            street_address=venue.street_address,
            city=venue.city,
            region=venue.region,
            country_code=venue.country_code,
            latitude=venue.location.latitude if located else None,
            longitude=venue.location.longitude if located else None,
        ),
        online=event.online,
        category=event.category,
        tags=tuple(event.tags),
        offers=tuple(Offer(each.name, money_from_wire(each.price)) for each in snapshot.ticket_types if _admits(each)),
    )


def _admits(ticket_type: ticket_type_pb2.TicketType) -> bool:
    """Whether anybody may buy it by itself, so that its price is what the event costs."""
    return not ticket_type.hidden and ticket_type.kind != ticket_type_pb2.TICKET_TYPE_KIND_ADD_ON


def _money_of(message: MoneyMessage, field: str) -> Money:
    return money_from_wire(message, field=field)
