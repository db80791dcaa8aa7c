"""Facts about an event; the state after each is added when it is encoded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventCreated:
    """A draft was made."""


@dataclass(frozen=True, slots=True)
class EventUpdated:
    """Fields changed; `paths` are those of the contract."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventPublished:
    """The public sees it now."""


@dataclass(frozen=True, slots=True)
class EventCancelled:
    """It does not take place."""

    reason: str


@dataclass(frozen=True, slots=True)
class EventDeleted:
    """It was deleted."""


@dataclass(frozen=True, slots=True)
class TicketTypeCreated:
    """A ticket type was added."""

    id: str


@dataclass(frozen=True, slots=True)
class TicketTypeChanged:
    """A ticket type changed."""

    id: str


@dataclass(frozen=True, slots=True)
class TicketTypeDeleted:
    """A ticket type is no longer sold."""

    id: str


@dataclass(frozen=True, slots=True)
class CapacityPoolCreated:
    """A pool was added."""

    id: str


@dataclass(frozen=True, slots=True)
class CapacityPoolChanged:
    """A pool changed."""

    id: str


@dataclass(frozen=True, slots=True)
class CapacityPoolDeleted:
    """A pool was removed."""

    id: str


@dataclass(frozen=True, slots=True)
class EventDateCreated:
    """A date was added."""

    id: str


@dataclass(frozen=True, slots=True)
class EventDateChanged:
    """A date changed."""

    id: str


@dataclass(frozen=True, slots=True)
class EventDateDeleted:
    """A date was removed."""

    id: str


@dataclass(frozen=True, slots=True)
class QuestionCreated:
    """A question was added."""

    id: str


@dataclass(frozen=True, slots=True)
class QuestionChanged:
    """A question changed."""

    id: str


@dataclass(frozen=True, slots=True)
class QuestionDeleted:
    """A question was removed."""

    id: str


@dataclass(frozen=True, slots=True)
class DiscountCreated:
    """A discount was added."""

    id: str


@dataclass(frozen=True, slots=True)
class DiscountChanged:
    """A discount changed."""

    id: str


@dataclass(frozen=True, slots=True)
class DiscountDeleted:
    """A discount was removed."""

    id: str


@dataclass(frozen=True, slots=True)
class SeatingPlanChanged:
    """The seating plan was made, changed or removed."""
