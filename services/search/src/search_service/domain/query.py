"""What may be asked, and what makes a question wrong."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from domain_kit.money import Money
from domain_kit.refusals import FieldViolation, InvalidArgument


class Order(Enum):
    """In which order events are found; ties are broken by name."""

    RELEVANCE = "relevance"
    START_TIME = "start_time"
    PRICE = "price"
    DISTANCE = "distance"


@dataclass(frozen=True, slots=True)
class Point:
    """WGS 84 degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """All that is set must be met. `start_after` None means from now on, `order` None what suits the question."""

    text: str = ""
    start_after: datetime | None = None
    start_before: datetime | None = None
    center: Point | None = None
    radius_meters: int = 0
    price_min: Money | None = None
    price_max: Money | None = None
    available_only: bool = False
    categories: tuple[str, ...] = ()
    country_codes: tuple[str, ...] = ()
    organizer: str = ""
    online_only: bool = False
    order: Order | None = None

    @property
    def wanted_order(self) -> Order:
        """RELEVANCE when there is text, else START_TIME, unless said otherwise."""
        return self.order or (Order.RELEVANCE if self.text.strip() else Order.START_TIME)

    @property
    def currency(self) -> str:
        """Of the price bounds; empty without any."""
        # Not `or`: an amount of nothing is false.
        bound = self.price_max if self.price_min is None else self.price_min
        return "" if bound is None else bound.currency


def check_query(query: SearchQuery) -> None:
    """InvalidArgument QUERY_INVALID with every field that is wrong."""
    violations = [FieldViolation(field, what) for field, what in _problems(query)]
    if violations:
        told = "; ".join(f"{each.field}: {each.description}" for each in violations)
        raise InvalidArgument("QUERY_INVALID", told, violations=violations)


def _problems(query: SearchQuery) -> Iterator[tuple[str, str]]:
    if query.start_after and query.start_before and query.start_before <= query.start_after:
        yield "start_before", "must be after start_after."
    yield from _place_problems(query)
    yield from _price_problems(query.price_min, query.price_max)


def _place_problems(query: SearchQuery) -> Iterator[tuple[str, str]]:
    if query.center is None:
        if query.radius_meters:
            yield "center", "is required with radius_meters."
        if query.order is Order.DISTANCE:
            yield "center", "is required to order by distance."
        return
    # Written so that NaN is out of range too.
    if not -90 <= query.center.latitude <= 90:
        yield "center.latitude", "must be -90 to 90 degrees."
    if not -180 <= query.center.longitude <= 180:
        yield "center.longitude", "must be -180 to 180 degrees."
    if query.radius_meters <= 0:
        yield "radius_meters", "is required with center."


def _price_problems(low: Money | None, high: Money | None) -> Iterator[tuple[str, str]]:
    for field, bound in (("price_min", low), ("price_max", high)):
        if bound is not None and bound.minor_units < 0:
            yield field, "must not be negative."
    if low is not None and high is not None:
        if low.currency != high.currency:
            yield "price_max.currency_code", "must be that of price_min."
        elif high < low:
            yield "price_max", "must not be below price_min."
