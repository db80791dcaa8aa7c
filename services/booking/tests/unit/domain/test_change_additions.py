"""What is added to a booking: codes, turns, time and answers count as they do for a new one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from change_shop import TERMS, Shop

from booking_service.domain.commands.vouchers import CreateVouchers
from booking_service.domain.questions import Answer, Attendee, Question, QuestionKind
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.selling import Wanted
from booking_service.domain.terms import WaitingRoomTerms
from booking_service.domain.waiting_room import RoomOpened
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument, NotFound


@pytest.fixture
def shop(make):
    return Shop(make)


@pytest.fixture
def secret(make):
    """A hidden type beside the others, and a code for one ticket of it."""

    def start(**changes):
        shop = Shop(make)
        kinds = shop.stock.offer.ticket_types
        rows = (SeatRow("A", ("1", "2", "3")),)
        shop.offer(
            ticket_types=(*kinds, make.type("secret", hidden=True, **changes)), sections=(Section("stalls", "S", rows),)
        )
        voucher = make.voucher(
            "SECRET", reveals=True, max_uses=1, max_per_booking=1, ticket_types=(f"{make.EVENT}/ticketTypes/secret",)
        )
        created = make.decide(CreateVouchers(make.EVENT, (voucher,)), shop.stock, now=shop.now)
        shop.tallies |= {each.name: each for each in (*created.tallies, *(step.record for step in created.steps))}
        return shop

    return start


def with_code(make, **wanted):
    return replace(make.hold(**wanted), voucher_codes=("SECRET",))


@pytest.mark.parametrize("paid", [False, True])
def test_a_code_for_one_ticket_of_a_hidden_type_is_not_good_for_more(secret, make, paid):
    shop = secret()
    shop.run(with_code(make, secret=1))
    if paid:
        shop.pay("payments/first")
    assert shop.refused(lambda: shop.change(secret=1)) == "VOUCHER_REQUIRED"
    shop.change(by_terms=False, secret=1)


def test_a_hidden_type_is_unknown_to_who_has_none_of_it(secret):
    shop = secret().book(standard=1)
    with pytest.raises(NotFound) as hidden:
        shop.change(secret=1)
    with pytest.raises(NotFound) as unknown:
        shop.change(nothing=1)
    assert str(hidden.value).replace("secret", "nothing") == str(unknown.value)


@pytest.mark.parametrize("paid", [False, True])
@pytest.mark.parametrize("now_for", [2500, 3500])
def test_another_seat_of_a_hidden_type_takes_over_the_use_of_its_code(secret, make, paid, now_for):
    shop = secret(sections=("stalls",))
    shop.run(with_code(make, secret=1))
    if paid:
        shop.pay("payments/first")
    dearer = [replace(each, price=Money(now_for, "EUR")) for each in shop.stock.offer.ticket_types]
    shop.offer(ticket_types=tuple(dearer))
    command = shop.command(reduce=[("secret", 1)])
    shop.run(replace(command, add=(Wanted(f"{make.EVENT}/ticketTypes/secret", 1, seats=("stalls/A/3",)),)))
    if shop.booking.pending:
        shop.pay()
    assert shop.booking.lines[0].seats == ("stalls/A/3",)
    (use,) = (each for each in shop.tallies.values() if hasattr(each, "uses"))
    assert (use.uses, use.used_up) == (1, True)


def test_who_adds_tickets_unasked_is_asked_for_a_turn_once_there_is_a_waiting_room(shop):
    shop.book(standard=2)
    shop.offer(terms=replace(TERMS, waiting_room=WaitingRoomTerms(enabled=True)))
    with pytest.raises(RoomOpened):
        shop.run(replace(shop.command(standard=1), unasked=True))
    shop.run(shop.command(standard=1))


LONG = timedelta(days=5)


def held_long(shop, **wanted):
    shop.run(replace(shop.make.hold(**wanted), hold_for=LONG))
    assert shop.booking.hold_expire_time == shop.make.NOW + LONG
    return shop


def test_who_adds_to_what_is_held_long_has_the_time_of_a_hold_made_now(shop):
    held_long(shop, standard=1)
    shop.now += timedelta(days=1)
    shop.change(standard=2)
    assert shop.booking.hold_expire_time == shop.now + timedelta(minutes=10)
    shop.now += timedelta(minutes=5)
    shop.change(standard=1)
    assert shop.booking.hold_expire_time == shop.now + timedelta(minutes=5)


@pytest.mark.parametrize("terms", [timedelta(hours=3), None])
def test_that_time_is_the_events_or_the_platforms(make, terms):
    shop = held_long(Shop(make), standard=1)
    shop.offer(terms=replace(TERMS, hold_for=terms))
    shop.change(standard=1)
    assert shop.booking.hold_expire_time == make.NOW + (terms or timedelta(minutes=10))


def test_who_exchanges_or_gives_back_keeps_the_time_and_so_does_who_is_helped_by_the_organizer(shop):
    held_long(shop, standard=3)
    shop.change(reduce=[("standard", 1)])
    shop.change(reduce=[("standard", 1)], vip=1)
    shop.change(by_terms=False, standard=4)
    assert shop.booking.hold_expire_time == shop.make.NOW + LONG


def test_nothing_is_added_to_what_waits_for_approval(make):
    """It stands for days, unpaid."""
    shop = Shop(make)
    shop.offer(ticket_types=(*shop.stock.offer.ticket_types, make.type("asked", approval_required=True)))
    shop.run(make.hold(asked=1))
    assert shop.refused(lambda: shop.change(standard=1)) == "BOOKING_PENDING_APPROVAL"


def asking(make, price=0):
    name, age = (f"{make.EVENT}/questions/{each}" for each in ("name", "age"))
    questions = (
        Question(age, "Age?", QuestionKind.NUMBER, required=True, per_ticket=True),
        Question(name, "Name?", QuestionKind.TEXT, required=True),
    )
    shop = Shop(make)
    extra = make.type("extra", price=Money(price, "EUR"))
    shop.offer(ticket_types=(*shop.stock.offer.ticket_types, extra))
    shop.book(standard=1)
    shop.offer(questions=questions)
    shop.booking = replace(shop.booking, answers=(Answer(name, "Ada"),))
    return shop, age


def adding(shop, *ages, by_terms=True):
    age = shop.stock.offer.questions[0].name
    people = tuple(Attendee("", "", (Answer(age, each),)) for each in ages)
    wanted = Wanted(f"{shop.make.EVENT}/ticketTypes/extra", 2, attendees=people)
    return replace(shop.command(by_terms=by_terms), add=(wanted,))


@pytest.mark.parametrize("price", [0, 900])
def test_no_ticket_is_added_to_a_confirmed_booking_without_the_answers_that_are_asked_for_it(make, price):
    shop, _ = asking(make, price)
    assert shop.refused(lambda: shop.run(adding(shop, "7"))) == "ANSWERS_REQUIRED"
    with pytest.raises(InvalidArgument, match="add_lines") as wrong:
        shop.run(adding(shop, "7", "seven"))
    assert wrong.value.violations[0].field.startswith("add_lines[0].attendees[1].answers[0]")
    shop.run(adding(shop, "7", "8"))
    assert len(shop.booking.pending.added if price else shop.usable()) == (1 if price else 3)


def test_an_answer_of_the_whole_booking_is_asked_for_too(make):
    shop, _ = asking(make)
    shop.booking = replace(shop.booking, answers=())
    assert shop.refused(lambda: shop.run(adding(shop, "7", "8"))) == "ANSWERS_REQUIRED"


def test_an_organizer_adds_tickets_without_answers_and_tickets_leave_without(make):
    shop, _ = asking(make)
    shop.run(adding(shop, by_terms=False))
    assert len(shop.usable()) == 3
    shop.change(reduce=[("extra", 1)])


def test_what_is_asked_only_because_of_an_added_ticket_is_answered_afterwards(make):
    shop, _ = asking(make)
    kind = f"{make.EVENT}/ticketTypes/extra"
    why = Question(f"{make.EVENT}/questions/why", "Why?", QuestionKind.TEXT, required=True, ticket_types=(kind,))
    shop.offer(questions=(*shop.stock.offer.questions, why))
    shop.run(adding(shop, "7", "8"))
    assert len(shop.usable()) == 3
