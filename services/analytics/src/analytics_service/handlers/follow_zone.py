"""Follow an organizer's time zone; when it changes, its facts move to other days."""

from analytics_service.domain.calendar import OrganizerZone
from analytics_service.domain.ports import Facts, Organizers

FACTS_AT_ONCE = 200


async def follow_zone(facts: Facts, organizers: Organizers, told: OrganizerZone) -> None:
    """Repeating it, also after a crash in the middle, ends the same way (see `record_fact` for who comes first)."""
    await organizers.follow(told)
    while (zone := await organizers.zone(told.organizer)) is not None:
        filed = await facts.filed_before(zone, FACTS_AT_ONCE)
        if not filed:
            return
        for each in filed:
            await facts.file(each.fact, zone)
