"""What others than its organizer's members see of what an event sells."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar, cast

from event_service.domain.capacity_pool import CapacityPool
from event_service.domain.discount import Discount
from event_service.domain.offer import Offer, Part
from event_service.domain.question import Question
from event_service.domain.ticket_type import TicketType

P = TypeVar("P", bound=Part)


def told_by_id(offer: Offer) -> frozenset[str]:
    """Ids of ticket types that are no secret: not hidden, or part of a bundle that is not."""
    shown = [each for each in offer.ticket_types if not each.hidden]
    return frozenset([each.id for each in shown] + [item.ticket_type for each in shown for item in each.bundle_items])


def public_part(offer: Offer, part: P) -> P | None:
    """The part as everybody may see it; None where it would tell of a hidden ticket type only.

    INVARIANT: nobody else learns the id of a hidden ticket type, or how many more are sold than there are places.
    """
    return cast("P | None", _public(told_by_id(offer), part))


def _public(told: frozenset[str], part: Part) -> Part | None:
    match part:
        case TicketType():
            add_on_to = _of(told, part.add_on_to)
            lost = part.id not in told or (part.add_on_to and not add_on_to)
            return None if lost else replace(part, add_on_to=add_on_to)
        case Question():
            asked = _of(told, part.ticket_types)
            return None if part.ticket_types and not asked else replace(part, ticket_types=asked)
        case Discount():
            condition, benefit = _of(told, part.condition_ticket_types), _of(told, part.benefit_ticket_types)
            lost = (part.condition_ticket_types and not condition) or (part.benefit_ticket_types and not benefit)
            return None if lost else replace(part, condition_ticket_types=condition, benefit_ticket_types=benefit)
        case CapacityPool():
            return replace(part, overbooking=0)
    return part


def _of(told: frozenset[str], ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(each for each in ids if each in told)
