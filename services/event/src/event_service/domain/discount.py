"""What makes a booking cheaper by what is in it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from event_service.domain.problems import Problems, reference_problems, window_problems


@dataclass(frozen=True, slots=True)
class Discount:
    """For every `condition_quantity` tickets of the condition types `benefit_quantity` of the benefit types cost less.

    Types are ids: no condition types are all, no benefit types those of the condition. `percent_off_basis_points` are
    hundredths of a percent. `revision` counts its changes.
    """

    id: str
    display_name: str
    condition_quantity: int
    benefit_quantity: int
    percent_off_basis_points: int
    condition_ticket_types: tuple[str, ...] = ()
    benefit_ticket_types: tuple[str, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    revision: int = 1

    @property
    def benefits_its_condition(self) -> bool:
        """The tickets that count for it are those that become cheaper."""
        return not self.benefit_ticket_types or set(self.benefit_ticket_types) == set(self.condition_ticket_types)


def discount_problems(discount: Discount, ticket_types: Collection[str]) -> Problems:
    """What is wrong with a discount of an event that sells these ticket types."""
    if not discount.display_name.strip():
        yield "display_name", "is required."
    if discount.condition_quantity < 1:
        yield "condition_quantity", "is required."
    if discount.benefit_quantity < 1:
        yield "benefit_quantity", "is required."
    elif discount.benefits_its_condition and discount.benefit_quantity > discount.condition_quantity:
        yield "benefit_quantity", "must not be above condition_quantity, whose tickets become cheaper."
    if discount.percent_off_basis_points < 1:
        yield "percent_off_basis_points", "is required."
    for field in ("condition_ticket_types", "benefit_ticket_types"):
        yield from reference_problems(field, getattr(discount, field), ticket_types, "ticket type")
    yield from window_problems(discount.start_time, discount.end_time, "")
