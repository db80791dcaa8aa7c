"""Filters and orders of ListEvents."""

from datetime import datetime

from event_service.domain.event import State
from event_service.domain.ports import EventQuery
from resource_api import Choice, FilterFields, Instant, OrderBy, Text
from usher.event.v1.event_service_pb2 import ListEventsRequest

STATE_NAMES = {f"EVENT_STATE_{state.name}": state for state in State}
FILTER = FilterFields({"state": Choice(STATE_NAMES), "start_time": Instant(), "category": Text()})
ORDER = OrderBy(["create_time", "start_time", "title"], default="create_time desc")


def event_query(request: ListEventsRequest) -> EventQuery:
    """The query of a request; InvalidArgument FILTER_INVALID, ORDER_BY_INVALID."""
    states: set[State] = set(State)
    categories: list[tuple[str, str]] = []
    bounds: list[tuple[str, datetime]] = []
    for comparison in FILTER.parse(request.filter):
        match comparison.value:
            case datetime() as instant:
                bounds.append((comparison.operator, instant))
            case str() as text if comparison.field == "state":
                named = {STATE_NAMES[text]}
                states &= named if comparison.operator == "=" else set(State) - named
            case text:
                categories.append((comparison.operator, str(text)))
    return EventQuery(
        organizer=request.parent,
        states=tuple(sorted(states, key=lambda state: state.value)),
        category_bounds=tuple(categories),
        start_bounds=tuple(bounds),
        order=tuple(ORDER.parse(request.order_by)),
    )
