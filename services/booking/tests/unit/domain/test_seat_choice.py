"""Which seats a booking gets and which choices are refused."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations, product

import pytest

from booking_service.domain.availability import availability_of
from booking_service.domain.commands import Cancel, Hold, ProjectOffer
from booking_service.domain.issuing import issue_tickets
from booking_service.domain.offer import EventDate
from booking_service.domain.seat_rows import row_state
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.selling import Wanted
from booking_service.domain.taken_seats import SeatClash, TakenSeats
from booking_service.domain.terms import BookingTerms
from domain_kit.refusals import FailedPrecondition


def row(label, seats, accessible=()):
    return SeatRow(label, tuple(map(str, range(1, seats + 1))), accessible)


HALL = (
    Section("stalls", "Stalls", (row("A", 6), row("B", 6, ("1", "2")))),
    Section("balcony", "Balcony", (row("A", 4),)),
)


class Sale:
    """One event, the records of its seats, and commands one after the other."""

    def __init__(self, make, *kinds, **changes):
        kinds = kinds or (make.type(sections=("stalls",)),)
        self.make, self.stock = make, make.stock(make.offer(*kinds, **{"sections": HALL, **changes}))
        self.records = []

    def run(self, command):
        outcome = self.make.decide(command, self.stock, *self.records)
        self.stock = outcome.stock
        self.records += [step.record for step in outcome.steps] + list(outcome.tallies)
        return outcome.answer

    def hold(self, *wanted, **line):
        event = self.make.EVENT
        wanted = wanted or ({"quantity": 1, **line},)
        lines = [Wanted(f"{event}/ticketTypes/{each.pop('kind', 'standard')}", **each) for each in wanted]
        name = f"{event}/bookings/b{len(self.records)}"
        return self.run(Hold(event, name, "users/ada", lines, timedelta(minutes=10)))

    def remaining(self):
        return [
            each.remaining
            for each in availability_of(self.stock.offer, self.stock.inventory, self.make.NOW).ticket_types
        ]


def refused(call, *arguments, **named):
    with pytest.raises(FailedPrecondition) as refusal:
        call(*arguments, **named)
    return refusal.value.reason, refusal.value.metadata


def seats(booking):
    return [line.seats for line in booking.lines]


def test_chosen_seats_are_taken_as_chosen(make):
    sale = Sale(make)
    assert seats(sale.hold(quantity=2, seats=("stalls/B/4", "stalls/B/3"))) == [("stalls/B/4", "stalls/B/3")]
    assert refused(sale.hold, quantity=2, seats=("stalls/B/5", "stalls/B/4")) == ("SEAT_TAKEN", {"seats": "stalls/B/4"})


@pytest.mark.parametrize("seat", ["stalls/C/1", "stalls/A/7", "pit/A/1", "balcony/A/1", "stalls", "stalls/A/1/1", "//"])
def test_a_seat_that_the_type_does_not_have_is_unknown(make, seat):
    reason, metadata = refused(Sale(make).hold, seats=(seat,))
    assert (reason, metadata["seats"]) == ("SEAT_UNKNOWN", seat)


def test_one_seat_cannot_be_chosen_in_two_lines(make):
    sale = Sale(make, make.type("a", sections=("stalls",)), make.type("b", sections=("stalls",)))
    lines = [{"kind": kind, "quantity": 1, "seats": ("stalls/A/1",)} for kind in "ab"]
    assert refused(sale.hold, *lines) == ("SEAT_TAKEN", {"seats": "stalls/A/1"})


def test_a_type_without_seats_offers_none(make):
    sale = Sale(make, make.type())
    assert refused(sale.hold, seats=("stalls/A/1",))[0] == "SEATS_NOT_OFFERED"
    assert refused(sale.hold, accessible_seats=1)[0] == "SEATS_NOT_OFFERED"
    assert seats(sale.hold()) == [()]


def test_lines_of_the_same_sections_sit_together_beside_what_was_chosen(make):
    sale = Sale(make, *(make.type(name, sections=("stalls",)) for name in ("adult", "child", "friend")))
    booking = sale.hold(
        {"kind": "adult", "quantity": 2}, {"kind": "child", "quantity": 2},
        {"kind": "friend", "quantity": 2, "seats": ("stalls/A/1", "stalls/A/2")},
    )  # fmt: skip
    assert seats(booking)[:2] == [("stalls/A/3", "stalls/A/4"), ("stalls/A/5", "stalls/A/6")]


def test_lines_whose_sections_overlap_never_get_the_same_seat(make):
    sale = Sale(make, make.type("near", sections=("balcony",)), make.type("any", sections=("balcony", "stalls")))
    booking = sale.hold({"kind": "near", "quantity": 2}, {"kind": "any", "quantity": 2})
    assert seats(booking) == [("balcony/A/1", "balcony/A/2"), ("balcony/A/3", "balcony/A/4")]


def test_two_lines_with_overlapping_sections_are_both_seated_while_there_is_room_for_both(make):
    """INVARIANT: what one line may have elsewhere is not taken from one that may have nothing else."""
    for lines in permutations(("near", "any", "far", "both"), 2):
        for counts in product((1, 3, 4, 6, 12), repeat=2):
            sale = Sale(make, *(make.type(name, sections=where, most=12) for name, where in (
                ("near", ("balcony",)), ("far", ("pit",)), ("any", ("balcony", "stalls")), ("both", ("pit", "balcony")),
            )), sections=(*HALL, Section("pit", "Pit", (row("A", 2), row("B", 1)))))  # fmt: skip
            wanted = [{"kind": kind, "quantity": count} for kind, count in zip(lines, counts, strict=True)]
            if room_for(lines, counts):
                given = [seat for own in seats(sale.hold(*wanted)) for seat in own]
                assert len(set(given)) == sum(counts)
            else:
                assert refused(sale.hold, *wanted)[0] == "SOLD_OUT"


def room_for(kinds, counts):
    """Whether both fit (Hall, 1935): each by itself, and both into all that either may have."""
    free = {"balcony": 4, "stalls": 12, "pit": 3}
    where = {"near": {"balcony"}, "far": {"pit"}, "any": {"balcony", "stalls"}, "both": {"pit", "balcony"}}
    own = [where[kind] for kind in kinds]
    alone = all(count <= sum(map(free.get, some)) for count, some in zip(counts, own, strict=True))
    return alone and sum(counts) <= sum(map(free.get, own[0] | own[1]))


def test_an_accessible_wish_keeps_its_seats_where_others_have_to_move(make):
    sale = Sale(make, make.type("near", sections=("balcony",)), make.type("any", sections=("balcony", "stalls")))
    booking = sale.hold({"kind": "any", "quantity": 4, "accessible_seats": 1}, {"kind": "near", "quantity": 4})
    assert "stalls/B/2" in seats(booking)[0] or "stalls/B/1" in seats(booking)[0]
    assert len(seats(booking)[1]) == 4


def test_the_line_that_asks_for_accessible_seats_gets_them(make):
    sale = Sale(make, *(make.type(name, sections=("stalls",)) for name in ("adult", "child")))
    booking = sale.hold({"kind": "adult", "quantity": 2}, {"kind": "child", "quantity": 1, "accessible_seats": 1})
    assert seats(booking) == [("stalls/B/3", "stalls/B/4"), ("stalls/B/2",)]
    reason, metadata = refused(sale.hold, kind="adult", quantity=2, accessible_seats=2)
    assert (reason, metadata["accessible_remaining"], metadata["remaining"]) == ("SOLD_OUT", "1", "9")


def test_a_choice_that_needlessly_leaves_a_seat_alone_is_refused_with_that_seat(make):
    sale = Sale(make)
    assert refused(sale.hold, seats=("stalls/A/2",)) == ("SEAT_LEFT_ALONE", {"seat": "stalls/A/1"})
    assert refused(sale.hold, quantity=2, seats=("stalls/A/1", "stalls/A/3"))[1] == {"seat": "stalls/A/2"}
    assert sale.hold(quantity=2, seats=("stalls/A/3", "stalls/A/4"))
    assert sale.hold(seats=("stalls/A/2",)), "one of two that are left is nobody's fault"
    assert sale.hold(seats=("stalls/A/1",)), "the last one is never refused"


def test_where_the_terms_allow_it_a_choice_may_leave_a_seat_alone_and_the_best_still_leave_none(make):
    sale = Sale(make, terms=BookingTerms(seats_left_alone_allowed=True))
    assert sale.hold(seats=("stalls/A/2",))
    assert seats(sale.hold(quantity=3)) == [("stalls/B/4", "stalls/B/5", "stalls/B/6")]


def test_an_accessible_seat_may_be_chosen_whatever_it_leaves(make):
    assert Sale(make).hold(seats=("stalls/B/2",))


def test_what_was_left_alone_before_stands_in_nobody_s_way():
    state = row_state([True, False, True, True, True, False, True], [False] * 7)
    assert state.needlessly_left_alone({2}) is None
    assert state.needlessly_left_alone({0}) is None
    assert state.needlessly_left_alone({3}) == 2


def test_a_sold_out_section_says_so_and_a_cancellation_opens_it_again(make):
    sale = Sale(make, make.type(sections=("balcony",)))
    bookings = [sale.hold(quantity=2) for _ in range(2)]
    assert sale.remaining() == [0]
    reason, metadata = refused(sale.hold)
    assert (reason, metadata["remaining"]) == ("SOLD_OUT", "0")
    sale.run(Cancel(make.EVENT, bookings[0].name, ""))
    assert sale.remaining() == [2]
    assert seats(sale.hold(quantity=2)) == seats(bookings[0])


def test_pools_limit_seats_too(make):
    sale = Sale(make, capacities={"hall": 3})
    assert sale.remaining() == [3]
    assert refused(sale.hold, quantity=4)[0] == "SOLD_OUT"


def test_a_bundle_has_a_seat_for_each_seated_ticket_in_it(make):
    def named(name):
        return f"{make.EVENT}/ticketTypes/{name}"

    sale = Sale(
        make, make.type("adult", sections=("stalls",)), make.type("drink"), make.type("child", sections=("stalls",)),
        make.type("family", pools=(), bundle={named("adult"): 2, named("drink"): 1, named("child"): 1}),
    )  # fmt: skip
    assert sale.remaining() == [12, 50, 12, 4]
    booking = sale.hold(kind="family", quantity=2)
    assert len(set(booking.lines[0].seats)) == 6
    tickets = issue_tickets(booking, make.Issuer())
    issued = [(each.ticket_type.rpartition("/")[2], each.seat) for each in tickets]
    assert [seat for _, seat in issued if seat] == list(booking.lines[0].seats)
    assert {kind for kind, seat in issued if not seat} == {"drink"}
    assert refused(sale.hold, kind="family", seats=("stalls/A/1",))[0] == "SEATS_NOT_OFFERED"


def test_seats_of_one_date_are_not_those_of_another(make):
    dates = tuple(date_of(make, name) for name in ("one", "two"))
    sale = Sale(make, dates=dates)
    first, second = (sale.hold(quantity=4, date=date.name) for date in dates)
    assert seats(first) == seats(second)
    assert sorted(sale.stock.inventory.seats.items()) == [("one/stalls", 4), ("two/stalls", 4)]


def date_of(make, name):
    start = make.NOW + timedelta(days=10)
    return EventDate(f"{make.EVENT}/dates/{name}", name, start, start + timedelta(hours=3))


def test_a_seat_that_vanished_stays_with_its_booking_and_is_sold_to_nobody_else(make):
    sale = Sale(make, make.type(sections=("balcony",)))
    sold = sale.hold(quantity=2, seats=("balcony/A/1", "balcony/A/2"))
    offer = sale.stock.offer

    def edit(version, *rows):
        sale.run(ProjectOffer(replace(offer, sections=(Section("balcony", "Balcony", rows),), version=version)))

    edit(2, SeatRow("A", ("2", "3", "4")))
    assert sale.remaining() == [2]
    assert refused(sale.hold, seats=("balcony/A/1",))[0] == "SEAT_UNKNOWN"
    assert refused(sale.hold, seats=("balcony/A/2",))[0] == "SEAT_TAKEN"
    edit(3, row("A", 4), row("B", 1))
    assert sale.remaining() == [3]
    assert refused(sale.hold, seats=("balcony/A/1",))[0] == "SEAT_TAKEN"
    edit(4, row("B", 1))
    sale.run(Cancel(make.EVENT, sold.name, ""))
    edit(5, row("A", 4))
    assert sale.remaining() == [4]
    assert seats(sale.hold(quantity=4)) == [tuple(f"balcony/A/{seat}" for seat in range(1, 5))]


def test_a_seat_is_never_given_twice_nor_given_back_by_a_stranger():
    taken = TakenSeats("events/e", "stalls").having("ada", [("A", "1"), ("A", "2"), ("B", "1")])
    with pytest.raises(SeatClash):
        taken.having("bob", [("A", "3"), ("A", "2")])
    with pytest.raises(SeatClash):
        taken.having("bob", [("C", "1"), ("C", "1")])
    with pytest.raises(ValueError, match="gives back"):
        taken.without("bob", [("A", "1")])
    assert taken.without("ada", [("A", "1"), ("B", "1")]).rows == TakenSeats("e", "s").having("ada", [("A", "2")]).rows
