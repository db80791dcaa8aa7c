from dataclasses import replace
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from booking_service.domain.answers import (
    MOST_BYTES,
    answer_problem,
    check_details,
    is_email,
    missing_answers,
    require_answers,
)
from booking_service.domain.commands import Confirm
from booking_service.domain.questions import Answer, Attendee, Question, QuestionKind
from booking_service.domain.selling import Wanted
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument

Q = "events/01jz000000000000000000evnt/questions/"
COLOURS = ("red", "green", "blue")


def question(kind=QuestionKind.TEXT, id="q", **changes):
    choices = COLOURS if "CHOICE" in kind.name else ()
    return Question(Q + id, "?", kind, choices, **changes)


def right(kind, text):
    return answer_problem(question(kind), text) == ""


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (QuestionKind.TEXT, ["x", " x\ny"], ["", " \n"]),
        (
            QuestionKind.NUMBER,
            ["0", "-3", "+1.50", "9" * 30],
            ["", "1,5", "1.", ".5", "1e3", "NaN", "٣", "1 ", "9" * 31],
        ),
        (QuestionKind.BOOLEAN, ["true", "false"], ["", "yes", "True", "1"]),
        (QuestionKind.CHOICE, ["red"], ["", "Red", "red ", "red\ngreen"]),
        (QuestionKind.MULTIPLE_CHOICE, ["red", "blue\nred"], ["", "red\n", "red\nred", "red,blue"]),
        (QuestionKind.DATE, ["2024-02-29", "0001-01-01"], ["", "2023-02-29", "20240229", "2024-2-9", "2024-W01-1"]),
        (
            QuestionKind.EMAIL,
            ["a@b.example", "ü+x@müller.example"],
            ["", "a@b", "a b@c.example", "@b.example", "a@b..c"],
        ),
        (QuestionKind.PHONE, ["+4930123456", "+12"], ["", "030123456", "+0123", "+49 30 1", "+" + "1" * 16, "+"]),
        (QuestionKind.COUNTRY, ["DE", "CA"], ["", "de", "Germany", "UK", "EU", "XX"]),
    ],
)
def test_each_kind_of_question_takes_its_own_form_and_no_other(kind, good, bad):
    assert [text for text in good if not right(kind, text)] == []
    assert [text for text in bad if right(kind, text)] == []


@given(st.dates())
def test_every_day_is_a_date(day):
    assert right(QuestionKind.DATE, day.isoformat())
    assert date.fromisoformat(day.isoformat()) == day


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_every_decimal_number_is_a_number(number):
    assert right(QuestionKind.NUMBER, f"{number:f}")


@given(st.lists(st.sampled_from(COLOURS), unique=True, min_size=1))
def test_any_choices_in_any_order_are_an_answer(chosen):
    assert right(QuestionKind.MULTIPLE_CHOICE, "\n".join(chosen))


@given(st.text(), st.sampled_from(QuestionKind))
@example("+", QuestionKind.PHONE)
def test_no_text_is_too_strange_to_be_judged(text, kind):
    assert isinstance(answer_problem(question(kind), text), str)


@given(st.emails())
def test_addresses_of_all_kinds_are_mail_addresses(address):
    assert is_email(address) or any(each in address for each in ('"', ".."))


def lines_with(make, *attendees, kind="standard", quantity=2):
    wanted = Wanted(f"{make.EVENT}/ticketTypes/{kind}", quantity, attendees=attendees)
    return replace(make.hold(), wanted=[wanted])


def asking(make, *questions, types=()):
    return make.offer(*types, questions=questions)


def violations(call):
    with pytest.raises(InvalidArgument) as refused:
        call()
    return [each.field for each in refused.value.violations], refused.value.reason


def test_a_wrong_answer_is_refused_when_places_are_taken_and_each_is_named(make):
    offer = asking(
        make,
        question(QuestionKind.NUMBER, "age", per_ticket=True),
        question(QuestionKind.BOOLEAN, "vegan"),
        question(id="vip", ticket_types=(f"{make.EVENT}/ticketTypes/vip",)),
    )
    attendees = (
        Attendee("Ada", "nonsense", (Answer(Q + "age", "old"), Answer(Q + "vegan", "true"))),
        Attendee("Bob", "", (Answer(Q + "age", "3"), Answer(Q + "age", "4"))),
    )
    command = replace(
        lines_with(make, *attendees),
        answers=(Answer(Q + "vegan", "no"), Answer(Q + "age", "3"), Answer(Q + "none", "x"), Answer(Q + "vip", "x")),
    )
    fields, reason = violations(lambda: make.decide(command, make.stock(offer)))
    assert reason == "ANSWER_INVALID"
    assert fields == [
        "booking.answers[0].text", "booking.answers[1].question", "booking.answers[2].question",
        "booking.answers[3].question", "booking.lines[0].attendees[0].email",
        "booking.lines[0].attendees[0].answers[0].text", "booking.lines[0].attendees[0].answers[1].question",
        "booking.lines[0].attendees[1].answers[1].question",
    ]  # fmt: skip


def test_a_booking_with_more_text_than_a_record_can_carry_is_refused(make):
    offer = asking(make, question())
    enough = replace(make.hold(), answers=(Answer(Q + "q", "x" * (MOST_BYTES - len(Q + "q"))),))
    assert make.decide(enough, make.stock(offer)).answer
    over = replace(enough, answers=(Answer(Q + "q", "ü" * (MOST_BYTES // 2)),))
    assert violations(lambda: make.decide(over, make.stock(offer)))[1] == "DETAILS_TOO_LONG"


def test_what_is_missing_keeps_a_free_booking_from_being_confirmed_and_nobody_from_holding_places(make):
    free = make.type(price=Money(0, "EUR"))
    offer = asking(
        make, question(id="b", required=True), question(id="t", required=True, per_ticket=True), question(id="o"),
        types=[free],
    )  # fmt: skip
    told = Attendee("Ada", "", (Answer(Q + "t", "x"),))
    outcome = make.decide(lines_with(make, told), make.stock(offer))
    held = replace(outcome.answer, version=1)
    assert missing_answers(offer, held) == (Q + "b", Q + "t")
    confirm = Confirm(make.EVENT, held.name, make.Issuer())
    with pytest.raises(FailedPrecondition) as refused:
        make.decide(confirm, outcome.stock, held)
    assert refused.value.reason == "ANSWERS_REQUIRED"
    assert refused.value.metadata == {"questions": f"{Q}b,{Q}t"}
    both = replace(lines_with(make, told, told), answers=(Answer(Q + "b", "x"),))
    outcome = make.decide(both, make.stock(offer))
    assert missing_answers(offer, outcome.answer) == ()
    confirmed = make.decide(confirm_of(make, outcome), outcome.stock, replace(outcome.answer, version=1))
    assert [ticket.attendee for ticket in confirmed.answer.tickets] == [told, told]


def confirm_of(make, outcome):
    return Confirm(make.EVENT, outcome.answer.name, make.Issuer())


def test_questions_of_other_ticket_types_are_not_missing_but_those_of_bundled_ones_are(make):
    bundle = make.type("pair", bundle={f"{make.EVENT}/ticketTypes/standard": 2})
    required = question(id="s", required=True, per_ticket=True, ticket_types=(f"{make.EVENT}/ticketTypes/standard",))
    offer = asking(make, required, types=[make.type(), bundle, make.type("other")])
    _, other = make.held(make.stock(offer), other=1)
    _, pair = make.held(make.stock(offer), pair=1)
    require_answers(offer, other)
    assert missing_answers(offer, pair) == (required.name,)


def test_without_answers_and_attendees_nothing_is_looked_at(make):
    assert check_details(make.offer(), (), ()) is None
