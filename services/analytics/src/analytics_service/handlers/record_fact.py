"""File a fact on its organizer's day."""

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.facts import Fact, Kind, Refund, refund_fact
from analytics_service.domain.ports import Facts, Organizers
from domain_kit.refusals import Unavailable


async def record_fact(facts: Facts, organizers: Organizers, fact: Fact) -> None:
    """Repeating it changes nothing. Unavailable ORGANIZER_UNKNOWN while nothing was told of the organizer.

    INVARIANT: a fact ends in the newest zone, whoever comes first. Whoever files under a zone looks afterwards whether
    it still is the zone; whoever changes the zone stores it first and looks for facts afterwards. One of them sees the
    other.
    """
    zone = await known_zone(organizers, fact.organizer)
    while True:
        await facts.file(fact, zone)
        newest = await known_zone(organizers, fact.organizer)
        if newest.name == zone.name:
            return
        zone = newest


async def record_refund(facts: Facts, organizers: Organizers, refund: Refund) -> None:
    """Unavailable SALE_UNKNOWN while it is not known what became of the payment.

    Money that no booking could take was never counted as sold, so paying it back counts nothing either.
    """
    sale = await facts.of_payment(refund.payment)
    if sale is None:
        raise Unavailable("SALE_UNKNOWN", f"What {refund.payment} paid for was not told yet.")
    if sale.kind is not Kind.PAYMENT_UNCLAIMED:
        await record_fact(facts, organizers, refund_fact(refund, sale))


async def known_zone(organizers: Organizers, organizer: str) -> OrganizerZone:
    """Unavailable ORGANIZER_UNKNOWN."""
    zone = await organizers.zone(organizer)
    if zone is None:
        raise Unavailable("ORGANIZER_UNKNOWN", f"Nothing was told of {organizer} yet.")
    return zone
