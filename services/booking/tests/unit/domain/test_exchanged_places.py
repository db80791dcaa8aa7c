"""What a booking gives back counts for what it gets for it."""

from dataclasses import replace
from datetime import timedelta

from booking_service.domain.changing import Reduction
from booking_service.domain.commands import Change, ProjectOffer, WithdrawChange
from booking_service.domain.seating import SeatRow, Section
from booking_service.domain.selling import Wanted
from booking_service.domain.taken_seats import TakenSeats, taken_seats_key
from booking_service.domain.terms import BookingTerms
from domain_kit.money import Money

STALLS = (Section("stalls", "Stalls", (SeatRow("A", ("1", "2", "3", "4")),)),)


def swapped(sale, booking, gone, *added):
    reduced = (Reduction(f"{sale.event}/ticketTypes/{gone}", "", 1),)
    wanted = tuple(Wanted(f"{sale.event}/ticketTypes/{kind}", 1) for kind in added)
    return sale.ask(
        Change(sale.event, booking.name, (), reduced, wanted, False, sale.issuer, timedelta(minutes=10))
    )  # fmt: skip


def test_a_swap_in_a_pool_that_was_lowered_meanwhile_takes_no_more_than_it_gives_back(sale, make):
    sale = sale(make.type(), make.type("child"), terms=BookingTerms())
    booking = sale.book("users/ada", 2)
    sale.ask(ProjectOffer(replace(sale.stock.offer, pools=make.offer(capacities={"hall": 0}).pools, version=2)))
    after = swapped(sale, booking, "standard", "child")
    assert [(line.ticket_type.rpartition("/")[2], line.quantity) for line in after.lines] == [
        ("standard", 1), ("child", 1),
    ]  # fmt: skip
    assert sale.stock.inventory.taken == {"hall": 2}


def test_a_ticket_may_keep_the_seat_of_one_that_leaves_while_another_gets_its_place(sale, make):
    """The place in the hall goes to the dinner, the seat to the ticket that comes; what it lacks is held until paid."""
    dinner = make.type("dinner", pools=("hall", "table"), price=Money(4500, "EUR"))
    sale = sale(
        make.type(sections=("stalls",)), dinner, terms=BookingTerms(), sections=STALLS, hall=5
    )  # fmt: skip
    sale.ask(ProjectOffer(replace(
        sale.stock.offer, pools=make.offer(capacities={"hall": 5, "table": 1}).pools, version=2
    )))  # fmt: skip
    booking = sale.book("users/ada")
    [line] = booking.lines
    before = sale.stock.inventory
    held = swapped(sale, booking, "standard", "dinner", "standard")
    assert sale.stock.inventory.taken == {"hall": 2, "table": 1}
    sale.ask(WithdrawChange(sale.event, booking.name))
    assert (sale.stock.inventory.taken, sale.stock.inventory.seats) == (before.taken, before.seats)

    held = swapped(sale, booking, "standard", "dinner", "standard")
    paid = sale.pay(replace(held, total=held.due), "payments/more")
    assert [each.seats for each in paid.lines] == [(), line.seats]
    taken = sale.records[taken_seats_key(sale.event, "stalls", "")]
    assert isinstance(taken, TakenSeats)
    assert {seat for row in taken.rows for seat in row.seats()} == {line.seats[0].rpartition("/")[2]}
