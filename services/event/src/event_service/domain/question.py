"""What buyers are asked."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from event_service.domain.problems import Problems, reference_problems


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


class QuestionScope(Enum):
    """How often a question is asked."""

    BOOKING = "BOOKING"
    TICKET = "TICKET"


WITH_CHOICES = (QuestionKind.CHOICE, QuestionKind.MULTIPLE_CHOICE)


@dataclass(frozen=True, slots=True)
class Question:
    """A question, asked of those who book one of `ticket_types` (ids; none: of all). `revision` counts its changes."""

    id: str
    text: str
    kind: QuestionKind | None
    choices: tuple[str, ...] = ()
    required: bool = False
    scope: QuestionScope = QuestionScope.BOOKING
    ticket_types: tuple[str, ...] = ()
    revision: int = 1


def question_problems(question: Question, ticket_types: Collection[str]) -> Problems:
    """What is wrong with a question of an event that sells these ticket types."""
    if not question.text.strip():
        yield "text", "is required."
    if question.kind is None:
        yield "kind", "is required."
    elif question.kind not in WITH_CHOICES and question.choices:
        yield "choices", "are for questions with a choice only."
    elif question.kind in WITH_CHOICES and len(set(question.choices)) < 2:
        yield "choices", "must be at least two different ones."
    for index, choice in enumerate(question.choices):
        if not choice.strip():
            yield f"choices[{index}]", "must not be blank."
    yield from reference_problems("ticket_types", question.ticket_types, ticket_types, "ticket type")
