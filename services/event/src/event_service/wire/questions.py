"""usher.event.v1.Question ↔ domain."""

from event_service.domain.question import Question, QuestionKind, QuestionScope
from event_service.wire.names import ids_of, names_of
from resource_api import etag_of
from usher.event.v1 import question_pb2 as pb

KINDS = {kind: pb.QuestionKind.Value(f"QUESTION_KIND_{kind.name}") for kind in QuestionKind}
SCOPES = {scope: pb.QuestionScope.Value(f"QUESTION_SCOPE_{scope.name}") for scope in QuestionScope}
KINDS_FROM_WIRE = {number: kind for kind, number in KINDS.items()}
SCOPES_FROM_WIRE = {number: scope for scope, number in SCOPES.items()}


def question_to_wire(event: str, question: Question) -> pb.Question:
    """The message of a question of `event`."""
    message = pb.Question(
        name=f"{event}/questions/{question.id}",
        text=question.text,
        choices=question.choices,
        required=question.required,
        scope=SCOPES[question.scope],
        ticket_types=names_of(event, "ticketTypes", question.ticket_types),
        etag=etag_of(question.revision),
    )
    if question.kind is not None:
        message.kind = KINDS[question.kind]
    return message


def question_from_wire(event: str, id: str, message: pb.Question) -> Question:
    """What a message says of question `id`."""
    return Question(
        id=id,
        text=message.text,
        kind=KINDS_FROM_WIRE.get(message.kind),
        choices=tuple(message.choices),
        required=message.required,
        scope=SCOPES_FROM_WIRE.get(message.scope, QuestionScope.BOOKING),
        ticket_types=ids_of(event, message.ticket_types),
    )
