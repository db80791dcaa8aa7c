"""What messages of other services say, as far as mail needs it."""

from datetime import UTC

from notification_service.domain.letter import Exchange, Occasion
from notification_service.domain.people import Person
from resource_api import money_from_wire
from usher.booking.v1.booking_pb2 import Booking
from usher.event.v1.event_pb2 import Event
from usher.user.v1.user_pb2 import User


def person_from_wire(message: User) -> Person:
    """A user as the recipient of mail."""
    return Person(message.name, message.email, message.display_name, message.language_code or "en")


def occasion_from_wire(message: Event) -> Occasion:
    """An event as the occasion of mail."""
    venue = message.venue
    place = ", ".join(
        part
        for part in (venue.display_name, venue.street_address, venue.city, venue.region, venue.country_code)
        if part
    )
    return Occasion(
        event=message.name,
        title=message.title,
        start_time=message.start_time.ToDatetime(UTC),
        end_time=message.end_time.ToDatetime(UTC),
        time_zone=message.time_zone,
        place=place,
        homepage_uri=message.homepage_uri,
    )


def exchange_from_wire(message: Booking) -> Exchange | None:
    """What a booking comes to in the event's currency; None where it is paid in that."""
    if not message.HasField("exchange"):
        return None
    told = message.exchange
    rate = f"1 {told.base_currency_code} = {told.rate} {told.currency_code}"
    return Exchange(money_from_wire(told.base_total), rate)


def event_of(booking: str) -> str:
    """The event of a booking name."""
    return "/".join(booking.split("/")[:2])
