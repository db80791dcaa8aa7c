"""What cannot be sold on, or bought, and what a ticket that is being bought is kept from."""

from dataclasses import replace
from datetime import timedelta

import pytest
from resale_sale import TERMS, refused

from booking_service.domain.booking import NotRefundable
from booking_service.domain.commands import (
    BookGroup,
    Cancel,
    Change,
    CheckIn,
    Hold,
    TransferTicket,
    WithdrawResaleOffer,
)
from booking_service.domain.contacts import NOBODY
from booking_service.domain.pricing.inputs import Discount, Phase
from booking_service.domain.questions import Attendee
from booking_service.domain.records import key_of
from booking_service.domain.resale_board import MOST_OPEN, shown
from booking_service.domain.resale_offer import ResaleState
from booking_service.domain.selling import Wanted
from domain_kit.money import Money


def test_while_somebody_holds_it_the_ticket_neither_admits_nor_changes(make, sale):
    """INVARIANT: a ticket that is about to be somebody else's lets nobody in."""
    sale = sale()
    ada = sale.book("users/ada", 2)
    [offered] = sale.offer(ada, ada.tickets[0].name)
    bob, ticket, event = sale.hold("users/bob"), ada.tickets[0], sale.event
    somebody = Attendee("Bo", "bo@example.org")
    for command in (
        CheckIn(event, ada.name, ticket.name, ticket.code),
        TransferTicket(event, ada.name, ticket.name, somebody, True, make.Issuer()),
        Change(event, ada.name, (ada.tickets[1].name,), (), (), True, make.Issuer(), timedelta(minutes=1)),
        Cancel(event, ada.name, ""),
        WithdrawResaleOffer(event, offered.name),
    ):
        with refused("RESALE_RESERVED") as refusal:
            sale.ask(command)
        assert refusal.value.metadata["resale_offer"] == offered.name
    sale.ask(CheckIn(event, ada.name, ada.tickets[1].name, ada.tickets[1].code))
    sale.now = bob.hold_expire_time  # nobody has written down yet that Bob's time is over
    sale.ask(CheckIn(event, ada.name, ticket.name, ticket.code))
    assert (sale.get(offered).state, sale.get(offered).lapse_reason) == (ResaleState.LAPSED, "TICKET_CHECKED_IN")


def test_nobody_buys_what_they_sell(sale):
    sale = sale()
    ada, eve = sale.book("users/ada"), sale.book("users/eve")
    sale.offer(ada)
    with refused("OWN_RESALE_OFFER"):
        sale.hold("users/ada")
    [hers] = sale.offer(eve)
    assert sale.hold("users/ada").lines[0].resale_offer == hers.name


def test_too_few_for_all_that_is_wanted_are_sold_to_nobody(sale):
    sale = sale()
    ada = sale.book("users/ada", 2)
    [offered] = sale.offer(ada, ada.tickets[0].name)
    with refused("SOLD_OUT"):
        sale.hold("users/bob", 2)
    assert sale.get(offered).state is ResaleState.OPEN


def test_limits_count_for_the_buyer_at_once_and_for_the_seller_until_it_is_sold(make, sale):
    sale = sale(make.type(most_per_person=1))
    ada, eve = sale.book("users/ada"), sale.book("users/eve")
    sale.offer(ada)
    with refused("TOO_MANY_FOR_PERSON"):
        sale.hold("users/eve")
    bob = sale.hold("users/bob")
    sale.offer(eve)
    with refused("TOO_MANY_FOR_PERSON"):
        sale.hold("users/ada")
    sale.pay(bob)
    assert sale.hold("users/ada").lines[0].resale_offer


def test_a_booking_that_holds_tickets_of_others_is_paid_or_cancelled_but_not_changed(make, sale):
    sale = sale(hall=3)
    sale.offer(sale.book("users/ada", 2))
    bob = sale.hold("users/bob", 2)
    wanted = (Wanted(f"{sale.event}/ticketTypes/standard", 1),)
    with refused("RESALE_RESERVED"):
        sale.ask(Change(sale.event, bob.name, (), (), wanted, True, make.Issuer(), timedelta(minutes=1)))


def test_what_cannot_be_sold_on_is_refused_with_the_reason(make, sale):
    kinds = (
        make.type(), make.type("asked", approval_required=True), make.type("parking", add_on=True, pools=("hall",)),
        make.type("pair", bundle={f"{make.EVENT}/ticketTypes/standard": 2}, pools=()),
    )  # fmt: skip
    sale = sale(*kinds, hall=20)
    ada = sale.book("users/ada")
    forbidden = replace(sale.stock.offer, terms=replace(TERMS, resale_allowed=False))
    allowed, sale.stock = sale.stock, replace(sale.stock, offer=forbidden)
    with refused("RESALE_NOT_ALLOWED"):
        sale.offer(ada)
    sale.stock = allowed
    pair = sale.book("users/ada", 1, "pair")
    with refused("TICKET_NOT_RESALABLE") as refusal:
        sale.offer(pair, pair.tickets[0].name)
    assert refusal.value.metadata["cause"] == "BUNDLE"
    sale.ids += 1
    wanted = tuple(Wanted(f"{sale.event}/ticketTypes/{kind}", 1) for kind in ("standard", "parking"))
    both = sale.pay(sale.ask(Hold(sale.event, f"{sale.event}/bookings/{sale.ids}", "users/bob", wanted, timedelta(1))))
    with refused("ADD_ON_LEFT_ALONE"):
        sale.offer(both, both.tickets[0].name)
    with refused("TICKET_NOT_RESALABLE") as refusal:
        sale.offer(both, both.tickets[1].name)
    assert refusal.value.metadata["cause"] == "ADD_ON"
    with refused("BOOKING_HELD"):
        sale.offer(sale.hold("users/eve"), "none")
    for cause, changes in {
        "NO_ACCOUNT": {"buyer": ""}, "NOT_PAID_HERE": {"paid": 0},
        "VOUCHER": {"lines": (replace(ada.lines[0], vouchers=("spring",)),)},
        "NOT_REFUNDABLE": {"not_refundable": (NotRefundable(ada.tickets[0].unit, 1),)},
    }.items():  # fmt: skip
        sale.records[key_of(ada)] = replace(ada, **changes)
        with refused("TICKET_NOT_RESALABLE") as refusal:
            sale.offer(ada)
        assert refusal.value.metadata["cause"] == cause
    sale.records[key_of(ada)] = ada
    sale.offer(ada)
    with refused("TICKET_OFFERED"):
        sale.offer(sale.get(ada))
    sale.now = sale.stock.offer.start_time
    with refused("SALE_ENDED"):
        sale.offer(both, both.tickets[0].name)


def test_what_the_organizer_gave_away_is_not_had_for_nothing_by_others(make, sale):
    """A ticket of a type, or of a phase, that is free for everybody is offered as any other."""
    free = Money(0, "EUR")
    kinds = make.type(), make.type("open", price=free), make.type("early", phases=(Phase("", free, places=9),))
    sale = sale(*kinds, hall=20)
    for kind, offered in [("standard", False), ("open", True), ("early", True)]:
        sale.ids += 1
        wanted = [Wanted(f"{sale.event}/ticketTypes/{kind}", 1)]
        given = sale.ask(
            BookGroup(sale.event, f"{sale.event}/bookings/{sale.ids}", "users/ada", NOBODY, wanted, make.Issuer(),
                      "press", True, timedelta(1))
        )  # fmt: skip
        if offered:
            assert sale.offer(given)[0].state is ResaleState.OPEN
            continue
        with refused("TICKET_NOT_RESALABLE") as refusal:
            sale.offer(given)
        assert refusal.value.metadata["cause"] == "NOT_PAID_HERE"


def test_no_more_offers_are_taken_on_than_an_inventory_can_carry(sale):
    sale = sale()
    ada, inventory = sale.book("users/ada"), sale.stock.inventory
    for number in range(MOST_OPEN):
        inventory = shown(inventory, f"{sale.event}/ticketTypes/x", "", f"{sale.event}/resaleOffers/{number:04}")
    sale.stock = sale.stock.holding(inventory)
    with refused("TOO_MANY_RESALE_OFFERS"):
        sale.offer(ada)


def test_withdrawing_twice_changes_nothing_and_the_ticket_can_be_offered_again(sale):
    sale = sale()
    ada = sale.book("users/ada", 2)
    [offered] = sale.offer(ada, ada.tickets[0].name)
    for _ in range(2):
        assert sale.ask(WithdrawResaleOffer(sale.event, offered.name)).state is ResaleState.WITHDRAWN
    assert not sale.steps
    with refused("SOLD_OUT"):
        sale.hold("users/bob")
    [again] = sale.offer(sale.get(ada), ada.tickets[0].name)
    assert sale.hold("users/bob").lines[0].resale_offer == again.name


THIRD = Discount("discounts/third", "Every third free", frozenset(), 3, frozenset(), 1, 10_000)
EARLY = Discount("discounts/early", "Early", frozenset(), 1, frozenset(), 1, 1_000)


@pytest.mark.parametrize(("discount", "sold_on"), [(THIRD, False), (EARLY, True)], ids=["of a group", "of each"])
def test_the_dear_tickets_of_a_group_are_not_sold_on_so_that_the_free_one_is_left(sale, discount, sold_on):
    sale = sale(hall=3)
    sale.stock = replace(sale.stock, offer=replace(sale.stock.offer, discounts=(discount,)))
    ada = sale.book("users/ada", 3)
    sale.stock = replace(sale.stock, offer=replace(sale.stock.offer, discounts=()))
    if sold_on:
        assert sale.offer(ada)[0].state is ResaleState.OPEN
        return
    with refused("TICKET_NOT_RESALABLE") as refusal:
        sale.offer(ada)
    assert refusal.value.metadata["cause"] == "DISCOUNT"
