"""All that is sold for an event and what limits it; its named parts obey one mechanism."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar, cast

from domain_kit.refusals import FailedPrecondition, ResourceExhausted
from event_service.domain import domain_events as facts
from event_service.domain.capacity_pool import CapacityPool, capacity_pool_problems
from event_service.domain.discount import Discount, discount_problems
from event_service.domain.event_date import EventDate, event_date_problems
from event_service.domain.problems import Problems, refuse
from event_service.domain.question import Question, question_problems
from event_service.domain.seating import NO_SEATS, SeatingPlan, seating_plan_problems
from event_service.domain.ticket_type import TicketType, ticket_type_problems


class Part(Protocol):
    """Something an event has several of. `id` is unique among its kind; `revision` counts its changes."""

    @property
    def id(self) -> str:
        """Last part of its resource name."""

    @property
    def revision(self) -> int:
        """From 1; what its etag tells."""


P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Offer:
    """What is sold. Its verbs answer a new one that holds together, or refuse."""

    ticket_types: tuple[TicketType, ...] = ()
    capacity_pools: tuple[CapacityPool, ...] = ()
    dates: tuple[EventDate, ...] = ()
    questions: tuple[Question, ...] = ()
    discounts: tuple[Discount, ...] = ()
    seating_plan: SeatingPlan = NO_SEATS

    def all_of(self, kind: type[P]) -> tuple[P, ...]:
        """The parts of a kind in order of creation."""
        return cast("tuple[P, ...]", getattr(self, KINDS[kind].field))

    def find(self, kind: type[P], id: str) -> P | None:
        """One part."""
        return next((each for each in self.all_of(kind) if each.id == id), None)

    def with_added(self, part: Part) -> "Offer":
        """One part more; InvalidArgument <KIND>_INVALID, ResourceExhausted <KIND>S_TOO_MANY."""
        kind = KINDS[type(part)]
        parts = self.all_of(type(part))
        if len(parts) >= kind.most:
            raise ResourceExhausted(f"{kind.reason}S_TOO_MANY", f"An event has at most {kind.most}.")
        self._check(part)
        return self._with(kind, (*parts, part))

    def with_changed(self, part: Part) -> "Offer":
        """A part that is there in another form, its revision raised; the same offer when nothing differs."""
        kind = KINDS[type(part)]
        former = self.find(type(part), part.id)
        if former is None:
            raise ValueError(f"no {kind.field} has the id {part.id}")
        if _revised(part, former.revision) == former:
            return self
        self._check(part)
        changed = _revised(part, former.revision + 1)
        return self._with(kind, [changed if each is former else each for each in self.all_of(type(part))])

    def without(self, kind: type[Part], id: str, event: str) -> "Offer":
        """A part less; FailedPrecondition <KIND>_IN_USE with what names it. `event` is the name of the event."""
        of = KINDS[kind]
        users: dict[str, list[str]] = {}
        for field, user in of.users(self, id):
            users.setdefault(field, []).append(f"{event}/{COLLECTIONS[field]}/{user}")
        if users:
            raise FailedPrecondition(
                f"{of.reason}_IN_USE",
                f"Other parts of the event name it: {', '.join(users).replace('_', ' ')}.",
                metadata={field: ",".join(names) for field, names in users.items()},
            )
        return self._with(of, [each for each in self.all_of(kind) if each.id != id])

    def with_seating_plan(self, plan: SeatingPlan, event: str) -> "Offer":
        """With other seats; the same offer when nothing differs.

        InvalidArgument SEATING_PLAN_INVALID, FailedPrecondition SECTION_IN_USE. `event` is the name of the event.
        """
        if plan.sections == self.seating_plan.sections:
            return self
        refuse("SEATING_PLAN_INVALID", "seating_plan", seating_plan_problems(plan))
        kept = set(plan.section_ids)
        users = [each.id for each in self.ticket_types if set(each.sections) - kept]
        if users:
            raise FailedPrecondition(
                "SECTION_IN_USE",
                "Ticket types name a section that the new plan does not have.",
                metadata={"ticket_types": ",".join(f"{event}/ticketTypes/{id}" for id in users)},
            )
        return replace(self, seating_plan=replace(plan, revision=self.seating_plan.revision + 1))

    def _check(self, part: Part) -> None:
        kind = KINDS[type(part)]
        refuse(f"{kind.reason}_INVALID", kind.reason.lower(), kind.problems(self, part))

    def _with(self, kind: "Kind[Any]", parts: Sequence[Part]) -> "Offer":
        changed: dict[str, Any] = {kind.field: tuple(parts)}
        return replace(self, **changed)


NOTHING_SOLD = Offer()


@dataclass(frozen=True, slots=True)
class Kind(Generic[P]):
    """What differs between the kinds of parts.

    field: of the offer that holds them. reason: how reasons of refusals begin, in lower case the field of requests.
    collection: the segment before the id in resource names. problems: what is wrong with one in an offer.
    users: (field of the offer, id) of the parts that name one by its id. The last three are what happened to one.
    """

    field: str
    reason: str
    collection: str
    most: int
    problems: Callable[[Offer, P], Problems]
    users: Callable[[Offer, str], Iterator[tuple[str, str]]]
    created: Callable[[str], Any]
    changed: Callable[[str], Any]
    deleted: Callable[[str], Any]


def _users_of_ticket_type(offer: Offer, id: str) -> Iterator[tuple[str, str]]:
    for each in offer.ticket_types:
        if id in each.add_on_to or any(item.ticket_type == id for item in each.bundle_items):
            yield "ticket_types", each.id
    for question in offer.questions:
        if id in question.ticket_types:
            yield "questions", question.id
    for discount in offer.discounts:
        if id in discount.condition_ticket_types or id in discount.benefit_ticket_types:
            yield "discounts", discount.id


def _ids(parts: Sequence[Part]) -> list[str]:
    return [part.id for part in parts]


def _ticket_type_problems(offer: Offer, part: TicketType) -> Problems:
    others = [each for each in offer.ticket_types if each.id != part.id]
    return ticket_type_problems(part, others, _ids(offer.capacity_pools), offer.seating_plan.section_ids)


KINDS: dict[type[Any], Kind[Any]] = {
    TicketType: Kind(
        "ticket_types", "TICKET_TYPE", "ticketTypes", 100, _ticket_type_problems, _users_of_ticket_type,
        facts.TicketTypeCreated, facts.TicketTypeChanged, facts.TicketTypeDeleted,
    ),
    CapacityPool: Kind(
        "capacity_pools", "CAPACITY_POOL", "capacityPools", 100,
        lambda offer, part: capacity_pool_problems(part, _ids(offer.dates)),
        lambda offer, id: (("ticket_types", each.id) for each in offer.ticket_types if id in each.pools),
        facts.CapacityPoolCreated, facts.CapacityPoolChanged, facts.CapacityPoolDeleted,
    ),
    EventDate: Kind(
        "dates", "EVENT_DATE", "dates", 200,
        lambda _, part: event_date_problems(part),
        lambda offer, id: (("capacity_pools", each.id) for each in offer.capacity_pools if each.date == id),
        facts.EventDateCreated, facts.EventDateChanged, facts.EventDateDeleted,
    ),
    Question: Kind(
        "questions", "QUESTION", "questions", 50,
        lambda offer, part: question_problems(part, _ids(offer.ticket_types)),
        lambda _offer, _id: iter(()),
        facts.QuestionCreated, facts.QuestionChanged, facts.QuestionDeleted,
    ),
    Discount: Kind(
        "discounts", "DISCOUNT", "discounts", 50,
        lambda offer, part: discount_problems(part, _ids(offer.ticket_types)),
        lambda _offer, _id: iter(()),
        facts.DiscountCreated, facts.DiscountChanged, facts.DiscountDeleted,
    ),
}  # fmt: skip
COLLECTIONS = {kind.field: kind.collection for kind in KINDS.values()}


def _revised(part: Part, revision: int) -> Any:
    some: Any = part
    return replace(some, revision=revision)
