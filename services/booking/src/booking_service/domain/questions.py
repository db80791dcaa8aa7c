"""What an organizer asks of a buyer or of each attendee, and whether an answer answers it."""

from dataclasses import dataclass
from enum import Enum


class QuestionKind(Enum):
    """What an answer looks like."""

    TEXT = "TEXT"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"
    CHOICE = "CHOICE"
    MULTIPLE_CHOICE = "MULTIPLE_CHOICE"
    DATE = "DATE"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    COUNTRY = "COUNTRY"


@dataclass(frozen=True, slots=True)
class Question:
    """`name`: `events/{event}/questions/{question}`. per_ticket: asked of each ticket of `ticket_types` (none: all)."""

    name: str
    text: str
    kind: QuestionKind
    choices: tuple[str, ...] = ()
    required: bool = False
    per_ticket: bool = False
    ticket_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody answered to the question of that name."""

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Attendee:
    """Who comes with a ticket; all of it may be unknown."""

    display_name: str = ""
    email: str = ""
    answers: tuple[Answer, ...] = ()


UNKNOWN = Attendee()
