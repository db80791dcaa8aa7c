"""Whether answers answer what an event asks, and which are missing."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from booking_service.domain.booking import Booking, Line
from booking_service.domain.offer import Offer
from booking_service.domain.questions import UNKNOWN, Answer, Attendee, Question, QuestionKind
from booking_service.domain.states import TicketState
from domain_kit.countries import is_country
from domain_kit.refusals import FailedPrecondition, FieldViolation, InvalidArgument

# A domain event carries them twice, beside up to 1,000 tickets, and a broker takes 1 MiB a record.
MOST_BYTES = 150_000
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,20})?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PHONE = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)  # ITU-T E.164, 6.2.1: at most 15 digits
# A dot-atom (RFC 5322, 3.2.3) at a domain name; whether mail arrives only mail can tell.
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f]{1,64}@([^\s@.\x00-\x2c\x2f]{1,63}\.)+[^\s@.\x00-\x2c\x2f]{1,63}")


def is_email(text: str) -> bool:
    """Whether mail could be sent there."""
    return len(text) <= 254 and _EMAIL.fullmatch(text) is not None and ".." not in text.partition("@")[0]


def answer_problem(question: Question, text: str) -> str:
    """What a right answer would be; "" for a right one."""
    return _FORMS[question.kind](question, text)


def check_details(offer: Offer, lines: Sequence[Line], answers: Sequence[Answer], field: str = "booking") -> None:
    """InvalidArgument ANSWER_INVALID with each wrong answer, DETAILS_TOO_LONG. What is missing is not wrong yet."""
    attendees = [attendee for line in lines for attendee in line.attendees]
    if not answers and not attendees:
        return
    found = list(answer_problems(offer, all_types(lines), answers, f"{field}.answers", per_ticket=False))
    refuse_wrong([*found, *_attendees_problems(offer, lines, f"{field}.lines")])
    check_length(bytes_of(answers, attendees))


def check_attendees(offer: Offer, lines: Sequence[Line], field: str) -> None:
    """The same of who comes with the tickets of lines that are added to a booking."""
    refuse_wrong(list(_attendees_problems(offer, lines, field)))
    check_length(bytes_of((), [attendee for line in lines for attendee in line.attendees]))


def _attendees_problems(offer: Offer, lines: Sequence[Line], field: str) -> Iterator[FieldViolation]:
    for number, line in enumerate(lines):
        for place, attendee in enumerate(line.attendees):
            yield from attendee_problems(offer, types_of(line), attendee, f"{field}[{number}].attendees[{place}]")


def refuse_wrong(found: Sequence[FieldViolation]) -> None:
    """InvalidArgument ANSWER_INVALID, when anything was found."""
    if found:
        first = found[0]
        raise InvalidArgument("ANSWER_INVALID", f"{first.field}: {first.description}", violations=found[:100])


def attendee_problems(
    offer: Offer, ticket_types: Collection[str], attendee: Attendee, field: str
) -> Iterator[FieldViolation]:
    """All that is wrong with what is said of somebody who comes with a ticket of these types (of a bundle: several)."""
    if attendee.email and not is_email(attendee.email):
        yield FieldViolation(f"{field}.email", "must be a mail address.")
    yield from answer_problems(offer, ticket_types, attendee.answers, f"{field}.answers", per_ticket=True)


def answer_problems(
    offer: Offer, ticket_types: Collection[str], answers: Sequence[Answer], field: str, *, per_ticket: bool
) -> Iterator[FieldViolation]:
    """All that is wrong with answers of one booking or of one ticket."""
    questions = {question.name: question for question in offer.questions} if answers else {}
    seen: set[str] = set()
    for number, answer in enumerate(answers):
        path, question = f"{field}[{number}]", questions.get(answer.question)
        if question is None:
            yield FieldViolation(f"{path}.question", "is not asked by this event.")
        elif question.per_ticket is not per_ticket:
            whom = "each ticket" if question.per_ticket else "the whole booking"
            yield FieldViolation(f"{path}.question", f"is asked of {whom}.")
        elif not asks(question, ticket_types):
            yield FieldViolation(f"{path}.question", "is asked of other ticket types.")
        elif answer.question in seen:
            yield FieldViolation(f"{path}.question", "is answered twice.")
        elif problem := answer_problem(question, answer.text):
            yield FieldViolation(f"{path}.text", problem)
        seen.add(answer.question)


def asks(question: Question, ticket_types: Collection[str]) -> bool:
    """Whether it is asked of those who book one of these types."""
    return not question.ticket_types or not set(question.ticket_types).isdisjoint(ticket_types)


def types_of(line: Line) -> set[str]:
    """Its type and those it bundles."""
    return {line.ticket_type, *(content.ticket_type for content in line.contents)}


def all_types(lines: Sequence[Line]) -> set[str]:
    """Of all lines."""
    return set().union(*map(types_of, lines))


def missing_answers(offer: Offer, booking: Booking) -> tuple[str, ...]:
    """Names of the questions that must be answered and are not, of any ticket; in the organizer's order."""
    required = [question for question in offer.questions if question.required]
    if not required:
        return ()
    said = {answer.question for answer in booking.answers}
    types, attendances = all_types(booking.lines), list(_attendances(booking))
    return tuple(
        question.name
        for question in required
        if (
            any(asks(question, mine) and question.name not in told for mine, told in attendances)
            if question.per_ticket
            else asks(question, types) and question.name not in said
        )
    )


def require_answers(offer: Offer, booking: Booking) -> None:
    """FailedPrecondition ANSWERS_REQUIRED; metadata tell which."""
    missing = missing_answers(offer, booking)
    if missing:
        raise answers_required(missing)


def require_answers_for(offer: Offer, booking: Booking, added: Sequence[Line]) -> None:
    """FailedPrecondition ANSWERS_REQUIRED for tickets that come to a confirmed booking; metadata tell which.

    What is asked of the booking only because of them cannot have been answered yet; `missing_answers` tells it then.
    """
    if not added or not any(question.required for question in offer.questions):
        return
    known = all_types(booking.lines)
    missing = missing_answers(offer, replace(booking, lines=tuple(added), tickets=()))
    asked = {each.name for each in offer.questions if each.per_ticket or asks(each, known)}
    if due := [name for name in missing if name in asked]:
        raise answers_required(due)


def answers_required(missing: Sequence[str]) -> FailedPrecondition:
    """The refusal."""
    return FailedPrecondition(
        "ANSWERS_REQUIRED",
        f"The event wants an answer to {len(missing)} more question{'s' * (len(missing) > 1)}.",
        metadata={"questions": ",".join(missing)},
    )


def bytes_of(answers: Sequence[Answer], attendees: Sequence[Attendee]) -> int:
    """How much text that is in UTF-8."""
    told = [*answers, *(answer for attendee in attendees for answer in attendee.answers)]
    texts = [text for answer in told for text in (answer.question, answer.text)]
    texts += [text for attendee in attendees for text in (attendee.display_name, attendee.email)]
    return sum(len(text.encode()) for text in texts)


def check_length(size: int) -> None:
    """InvalidArgument DETAILS_TOO_LONG for more bytes of text than a booking can carry."""
    if size > MOST_BYTES:
        raise InvalidArgument(
            "DETAILS_TOO_LONG",
            f"Names, addresses and answers of one booking have at most {MOST_BYTES} bytes.",
            metadata={"max_bytes": str(MOST_BYTES)},
        )


def _attendances(booking: Booking) -> Iterator[tuple[set[str], set[str]]]:
    """Of each ticket, issued or to be: the types it counts as, and the questions answered for it."""
    for ticket in booking.tickets:
        if ticket.state is not TicketState.VOID:
            booked = booking.lines[ticket.unit.line].ticket_type
            yield {ticket.ticket_type, booked}, {answer.question for answer in ticket.attendee.answers}
    if not booking.tickets:
        for line in booking.lines:
            types = types_of(line)
            for place in range(line.quantity):
                attendee = line.attendees[place] if place < len(line.attendees) else UNKNOWN
                yield types, {answer.question for answer in attendee.answers}


def _text(question: Question, text: str) -> str:  # noqa: ARG001  # all forms are called alike
    return "" if text.strip() else "must not be blank."


def _number(question: Question, text: str) -> str:  # noqa: ARG001  # all forms are called alike
    return "" if _NUMBER.fullmatch(text) else "must be a decimal number in digits."


def _boolean(question: Question, text: str) -> str:  # noqa: ARG001  # all forms are called alike
    return "" if text in ("true", "false") else "must be true or false."


def _choice(question: Question, text: str) -> str:
    return "" if text in question.choices else "must be one of the choices."


def _choices(question: Question, text: str) -> str:
    chosen = text.split("\n")
    if not set(chosen) <= set(question.choices):
        return "must be choices, one a line."
    return "" if len(set(chosen)) == len(chosen) else "must name each choice once."


def _date(question: Question, text: str) -> str:  # noqa: ARG001  # all forms are called alike
    try:
        right = _DATE.fullmatch(text) is not None and date.fromisoformat(text) is not None
    except ValueError:
        right = False
    return "" if right else "must be a date as YYYY-MM-DD."


def _email(question: Question, text: str) -> str:  # noqa: ARG001  # all forms are called alike
    return "" if is_email(text) else "must be a mail address."


def _phone(question: Question, text: str) -> str:  # noqa: ARG001  # all forms are called alike
    return "" if _PHONE.fullmatch(text) else "must be a telephone number as + and up to 15 digits (E.164)."


def _country(question: Question, text: str) -> str:  # noqa: ARG001  # all forms are called alike
    return "" if is_country(text) else "must be an ISO 3166-1 alpha-2 code."


_FORMS: Mapping[QuestionKind, Callable[[Question, str], str]] = {
    QuestionKind.TEXT: _text,
    QuestionKind.NUMBER: _number,
    QuestionKind.BOOLEAN: _boolean,
    QuestionKind.CHOICE: _choice,
    QuestionKind.MULTIPLE_CHOICE: _choices,
    QuestionKind.DATE: _date,
    QuestionKind.EMAIL: _email,
    QuestionKind.PHONE: _phone,
    QuestionKind.COUNTRY: _country,
}
