"""How many tickets of an event one person holds and has, for limits that hold over several bookings."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from booking_service.domain.identity_memo import by_identity
from booking_service.domain.memory import Memory
from booking_service.domain.offer import Offer, OfferedType
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class Person:
    """A tally: ticket type id → tickets in the live bookings of this buyer of this event.

    A bundle counts by its own type and by what it consists of, so that none gets around the limit of a type in it.
    """

    event: str
    buyer: str
    tickets: Mapping[str, int] = field(default_factory=dict)
    version: int = 0
    memory: ClassVar[Memory] = Memory.OR_ABSENT

    @property
    def name(self) -> str:
        """`events/{event}/people/{user}`."""
        return person_key(self.event, self.buyer)[1]

    def having(self, more: Mapping[str, int], offer: Offer, had: Mapping[str, int]) -> "Person":
        """With more tickets. FailedPrecondition TOO_MANY_FOR_PERSON; metadata tell the limit, maybe a type.

        had: before some of them left for these. Who has more than a limit that was set later may have as many again.

        INVARIANT: whatever a person books at the same time, in one process or several, the limits hold.
        """
        after = self.also_having(more)
        for kind in offer.ticket_types:
            count = after.tickets.get(kind.id, 0)
            if kind.id in more and 0 < kind.most_per_person < count and had.get(kind.id, 0) < count:
                raise too_many(kind.most_per_person, kind.name, kind.display_name)
        bundles = {kind.id for kind in offer.ticket_types if kind.bundle}
        count, before = (sum(n for kind, n in of.items() if kind not in bundles) for of in (after.tickets, had))
        if 0 < offer.terms.most_per_person < count and before < count:
            raise too_many(offer.terms.most_per_person)
        return after

    def also_having(self, more: Mapping[str, int]) -> "Person":
        """With more, whatever the limits are."""
        tickets = Counter(self.tickets)
        tickets.update(more)
        return replace(self, tickets=dict(tickets))

    def without(self, fewer: Mapping[str, int]) -> "Person":
        """With fewer; ValueError when there are not so many."""
        tickets = Counter(self.tickets)
        tickets.subtract(fewer)
        if any(count < 0 for count in tickets.values()):
            raise ValueError(f"{self.name} gives back more than was taken")
        return replace(self, tickets=dict(+tickets))


def person_key(event: str, buyer: str) -> tuple[type[Person], str]:
    """Where the tally of a buyer is found."""
    return Person, f"{event}/people/{buyer.rpartition('/')[2]}"


def is_limited(offer: Offer) -> bool:
    """Whether an event has limits for one person. Bookings made before it had any are counted soon after."""
    return offer.terms.most_per_person > 0 or _limits(offer.ticket_types)


@by_identity(512)
def _limits(kinds: tuple[OfferedType, ...]) -> bool:
    """Not of the offer itself, whose seating plan would be kept as long as what is remembered of it."""
    return any(kind.most_per_person for kind in kinds)


def too_many(most: int, ticket_type: str = "", display_name: str = "") -> FailedPrecondition:
    """The refusal."""
    what = f" of {display_name}" if display_name else " of this event"
    metadata = {"max_per_person": str(most)} | ({"ticket_type": ticket_type} if ticket_type else {})
    return FailedPrecondition("TOO_MANY_FOR_PERSON", f"One person has at most {most} tickets{what}.", metadata=metadata)
