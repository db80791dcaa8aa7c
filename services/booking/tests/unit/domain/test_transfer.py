"""Tickets that are passed on: one comes for one that leaves, and nothing else changes."""

from dataclasses import replace
from datetime import timedelta

import pytest

from booking_service.domain import domain_events as facts
from booking_service.domain.booking import GONE
from booking_service.domain.changing import MOST_TICKETS, Reduction
from booking_service.domain.commands import (
    AttendeeAt,
    Cancel,
    Change,
    ChangeDetails,
    CheckIn,
    ClaimPayment,
    OfferForResale,
    TransferTicket,
)
from booking_service.domain.offer import EventDate, OfferState
from booking_service.domain.questions import Attendee
from booking_service.domain.selling import Wanted
from booking_service.domain.states import BookingState, TicketState
from booking_service.domain.terms import BookingTerms
from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound

BOB = Attendee("Bob", "bob@example.org")
TERMS = BookingTerms(change_allowed=True, transfer_allowed=True)


class Shop:
    """One event, one booking of it, and what was decided so far."""

    def __init__(self, make, *types, quantity=2, terms=TERMS, **changes) -> None:
        self.make, self.issuer, self.now, self.tallies = make, make.Issuer(), make.NOW, {}
        self.stock, self.booking = make.stock(make.offer(*types, terms=terms, **changes)), None
        self.run(make.hold(standard=quantity))
        self.run(ClaimPayment(make.EVENT, self.booking.name, "payments/a", self.booking.total, self.issuer))

    def run(self, command):
        outcome = self.make.decide(command, self.stock, self.booking, *self.tallies.values(), now=self.now)
        self.stock, self.booking = outcome.stock, replace(outcome.answer, version=1)
        self.tallies |= {each.name: each for each in outcome.tallies}
        return [step.happened for step in outcome.steps]

    def transfer(self, ticket, to=BOB, *, by_terms=True):
        return self.run(TransferTicket(self.make.EVENT, self.booking.name, ticket, to, by_terms, self.issuer))

    def change(self, *remove, by_terms=True, **add):
        wanted = tuple(Wanted(f"{self.make.EVENT}/ticketTypes/{kind}", count) for kind, count in add.items())
        booking, minutes = self.booking.name, timedelta(minutes=10)
        return self.run(Change(self.make.EVENT, booking, remove, (), wanted, by_terms, self.issuer, minutes))

    def refused(self, *arguments, **options):
        with pytest.raises(FailedPrecondition) as refused:
            self.transfer(*arguments, **options)
        return refused.value.reason


@pytest.fixture
def shop(make):
    return Shop(make)


def test_the_old_ticket_is_void_and_a_new_one_with_another_code_stands_in_its_place(shop):
    before, (first, second) = shop.booking, shop.booking.tickets
    assert shop.transfer(first.name) == [facts.TicketTransferred(first.name, shop.booking.tickets[-1].name)]
    void, kept, new = shop.booking.tickets
    assert (void, kept) == (replace(first, state=TicketState.VOID, unit=GONE), second)
    assert new == replace(first, name=new.name, code=new.code, attendee=BOB)
    assert len({each.name for each in (void, kept, new)}) == len({each.code for each in (void, kept, new)}) == 3
    as_before = replace(shop.booking, tickets=before.tickets, lines=before.lines, transferred=())
    assert as_before == before
    assert shop.booking.transferred == (new.name,)
    assert shop.booking.lines[0].attendees == (BOB,)
    assert shop.booking.breakdown() == before.breakdown()
    assert shop.stock.inventory.taken == {"hall": 2}


def test_the_old_code_admits_nobody_and_the_new_one_does(shop):
    old = shop.booking.tickets[0]
    shop.transfer(old.name)
    with pytest.raises(FailedPrecondition, match="TICKET_VOID"):
        shop.run(CheckIn(shop.make.EVENT, shop.booking.name, old.name, old.code))
    new = shop.booking.tickets[-1]
    with pytest.raises(NotFound):
        shop.run(CheckIn(shop.make.EVENT, shop.booking.name, new.name, old.code))
    shop.run(CheckIn(shop.make.EVENT, shop.booking.name, new.name, new.code))
    assert shop.booking.tickets[-1].state is TicketState.CHECKED_IN


def test_what_gates_tell_of_the_old_ticket_later_does_not_revive_it(shop):
    """INVARIANT: a void ticket stays void."""
    old, other = shop.booking.tickets
    shop.transfer(old.name)
    shop.run(CheckIn(shop.make.EVENT, shop.booking.name, other.name, other.code))
    for entry in (shop.now, None):
        after = shop.booking.scanned(old.name, entry, None, shop.now)
        assert after.ticket(old.name).state is TicketState.VOID


def test_an_organizer_passes_on_again_and_takes_out_what_was_passed_on(shop):
    shop.transfer(shop.booking.tickets[0].name)
    shop.transfer(shop.booking.tickets[-1].name, Attendee("Eve", "eve@example.org"), by_terms=False)
    (fact,) = shop.change(shop.booking.tickets[-1].name, by_terms=False)
    assert fact.removed == (shop.booking.tickets[-1].name,)
    assert [each.state.name for each in shop.booking.tickets] == ["VOID", "VALID", "VOID", "VOID"]
    (off,) = shop.run(Cancel(shop.make.EVENT, shop.booking.name, ""))
    assert (fact.refund_due + off.refund_due).minor_units == 5000


def test_who_passed_a_ticket_on_has_no_say_in_it_any_more(shop):
    """INVARIANT: nobody is paid back for, gives away or sells what is somebody else's by now."""
    event, name = shop.make.EVENT, shop.booking.name
    shop.transfer(shop.booking.tickets[0].name)
    given, own = shop.booking.tickets[-1], shop.booking.tickets[1]
    offer = replace(shop.stock.offer, terms=replace(TERMS, resale_allowed=True))
    shop.stock = replace(shop.stock, offer=offer)
    assert shop.refused(given.name) == "TICKET_TRANSFERRED"
    for command in (
        Change(event, name, (given.name,), (), (), True, shop.issuer, timedelta(minutes=10)),
        Cancel(event, name, ""),
        OfferForResale(event, name, (given.name,), ("one",), by_terms=True),
        ChangeDetails(event, name, None, (AttendeeAt(Attendee("Ada", BOB.email), given.name),)),
        ChangeDetails(event, name, None, (AttendeeAt(Attendee(BOB.display_name, "ada@example.org"), given.name),)),
        ChangeDetails(event, name, None, (AttendeeAt(Attendee("Ada", "ada@example.org"), place=given.unit),)),
    ):
        with pytest.raises(FailedPrecondition, match="TICKET_TRANSFERRED") as refused:
            shop.run(command)
        assert refused.value.metadata == {"ticket": given.name}
    shop.run(ChangeDetails(event, name, None, (AttendeeAt(Attendee("Ada", "ada@example.org"), own.name),)))
    shop.run(Cancel(event, name, "", basis_points=10_000))
    assert shop.booking.state is BookingState.CANCELLED


def test_by_number_a_buyer_takes_out_only_what_is_still_theirs(make):
    shop = Shop(make, quantity=3)
    standard = shop.booking.lines[0].ticket_type

    def fewer(quantity):
        reduce = (Reduction(standard, "", quantity),)
        return Change(make.EVENT, shop.booking.name, (), reduce, (), True, shop.issuer, timedelta(minutes=10))

    shop.transfer(shop.booking.tickets[2].name)
    given = shop.booking.tickets[-1].name
    with pytest.raises(FailedPrecondition, match="TOO_FEW_TO_REMOVE") as refused:
        shop.run(fewer(3))
    assert refused.value.metadata["present"] == "2"
    (fact,) = shop.run(fewer(2))
    assert given not in fact.removed
    assert [each.name for each in shop.booking.tickets if each.state is TicketState.VALID] == [given]


def test_what_nobody_can_come_with_any_more_goes_back_to_who_paid(shop):
    shop.transfer(shop.booking.tickets[0].name)
    shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, state=OfferState.CANCELLED))
    (off,) = shop.run(Cancel(shop.make.EVENT, shop.booking.name, ""))
    assert off.refund_due == shop.make.type().price * 2


def test_a_buyer_passes_on_what_the_terms_allow_and_an_organizer_always(make):
    shop = Shop(make, terms=BookingTerms())
    ticket = shop.booking.tickets[0].name
    assert shop.refused(ticket) == "TRANSFER_NOT_ALLOWED"
    assert len(shop.transfer(ticket, by_terms=False)) == 1


def test_a_ticket_of_a_bundle_goes_alone_and_keeps_its_unit(make):
    part = make.type("part")
    family = make.type(bundle={part.name: 2}, pools=("hall", "hall"))
    shop = Shop(make, family, part, quantity=1)
    first, second = shop.booking.tickets
    shop.transfer(first.name)
    _, kept, new = shop.booking.tickets
    assert (kept, new.unit, new.attendee) == (second, second.unit, BOB)
    assert shop.booking.lines[0].attendees == ()
    with pytest.raises(FailedPrecondition, match="TICKET_TRANSFERRED"):
        shop.change(kept.name)
    with pytest.raises(FailedPrecondition, match="NOTHING_LEFT"):
        shop.change(new.name, by_terms=False)


def test_used_and_void_tickets_stay_where_they_are(shop):
    first, second = shop.booking.tickets
    shop.run(CheckIn(shop.make.EVENT, shop.booking.name, first.name, first.code))
    assert shop.refused(first.name) == "TICKET_CHECKED_IN"
    shop.transfer(second.name)
    assert shop.refused(second.name) == "TICKET_VOID"
    with pytest.raises(NotFound):
        shop.transfer(f"{shop.booking.name}/tickets/none")


@pytest.mark.parametrize(
    ("state", "reason"), [(OfferState.CANCELLED, "EVENT_CANCELLED"), (OfferState.DELETED, "EVENT_NOT_ON_SALE")]
)
def test_nothing_is_passed_on_of_an_event_that_is_called_off(shop, state, reason):
    shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, state=state))
    assert shop.refused(shop.booking.tickets[0].name) == reason


@pytest.mark.parametrize("by_terms", [True, False])
def test_nobody_passes_anything_on_once_it_has_begun(shop, by_terms):
    shop.now = shop.stock.offer.start_time - timedelta(seconds=1)
    shop.transfer(shop.booking.tickets[0].name, by_terms=by_terms)
    shop.now += timedelta(seconds=1)
    assert shop.refused(shop.booking.tickets[1].name, by_terms=by_terms) == "EVENT_OVER"


def test_of_a_series_the_date_of_the_ticket_counts(make):
    shop = Shop(make)
    day, start = f"{make.EVENT}/dates/one", make.NOW + timedelta(days=1)
    dates = (EventDate(day, "One", start, start + timedelta(hours=1)),)
    shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, dates=dates))
    tickets = tuple(replace(each, date=day) for each in shop.booking.tickets)
    shop.booking = replace(shop.booking, tickets=tickets)
    shop.transfer(tickets[0].name)
    assert shop.booking.tickets[-1].date == day
    shop.now = start
    assert shop.refused(tickets[1].name) == "EVENT_OVER"
    off = (replace(dates[0], cancelled=True),)
    shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, dates=off))
    assert shop.refused(tickets[1].name) == "DATE_CANCELLED"


def test_a_ticket_sold_before_the_event_became_a_series_is_passed_on(shop):
    start = shop.make.NOW + timedelta(days=1)
    dates = (EventDate(f"{shop.make.EVENT}/dates/one", "One", start, start + timedelta(hours=1)),)
    shop.stock = replace(shop.stock, offer=replace(shop.stock.offer, dates=dates))
    assert len(shop.transfer(shop.booking.tickets[0].name)) == 1


def test_a_ticket_that_a_change_takes_away_waits_for_the_change_and_others_do_not(make):
    shop = Shop(make, make.type(), make.type("vip", price=make.type().price * 2))
    leaves, stays = shop.booking.tickets
    shop.change(leaves.name, vip=1)
    assert shop.refused(leaves.name) == "CHANGE_PENDING"
    shop.transfer(stays.name)
    assert shop.booking.pending
    shop.now += timedelta(minutes=10)
    assert [type(each) for each in shop.transfer(leaves.name)] == [facts.BookingChangeExpired, facts.TicketTransferred]
    assert (shop.booking.pending, shop.booking.hold_expire_time) == (None, None)
    assert shop.stock.inventory.taken == {"hall": 2}


@pytest.mark.parametrize("attendee", [Attendee("Bob"), Attendee(" ", "bob@example.org"), Attendee("Bob", "bob@")])
def test_a_new_attendee_has_a_name_and_an_address_that_mail_could_reach(shop, attendee):
    with pytest.raises(InvalidArgument) as refused:
        shop.transfer(shop.booking.tickets[0].name, attendee)
    assert refused.value.violations[0].field in ("attendee.display_name", "attendee.email")


def test_a_booking_does_not_grow_for_ever(shop):
    first = shop.booking.tickets[0]
    shop.booking = replace(shop.booking, tickets=(first,) * MOST_TICKETS)
    assert shop.refused(first.name) == "TOO_MANY_CHANGES"
