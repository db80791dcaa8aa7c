"""What domain events of others become."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics_service.domain.facts import Fact, Kind, Line, Refund, SheetKey, refund_fact
from analytics_service.domain.figures import Figures
from analytics_service.domain.sales import Sheet, rows_of
from analytics_service.handlers.record_fact import record_refund
from analytics_service.inbound.consumers import Listener
from analytics_service.wire import told
from domain_kit.money import Money
from domain_kit.refusals import Unavailable
from event_backbone import Received
from resource_api import money_to_wire
from usher.booking.v1 import booking_pb2
from usher.booking.v1 import domain_events_pb2 as booking_events
from usher.payment.v1 import payment_pb2
from usher.payment.v1.domain_events_pb2 import RefundCompleted
from usher.user.v1.domain_events_pb2 import OrganizerUpdated

TOLD, DONE = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 3, 2, tzinfo=UTC)


def booking(*lines: tuple[str, int, int, str]) -> booking_pb2.Booking:
    made = booking_pb2.Booking(name="events/e/bookings/b", event="events/e", organizer="organizers/o", payment="p")
    for ticket_type, quantity, price, currency in lines:
        unit_price = money_to_wire(Money(price, currency))
        total = money_to_wire(Money(quantity * price, currency))
        made.lines.add(ticket_type=ticket_type, quantity=quantity, unit_price=unit_price, total=total)
    for field in (made.confirm_time, made.cancel_time):
        field.FromDatetime(DONE)
    return made


def test_a_confirmation_counts_a_booking_in_each_of_its_types_but_once_as_an_order() -> None:
    made = booking(("a", 2, 150, "CAD"), ("b", 1, 0, "CAD"), ("a", 1, 150, "CAD"))
    fact = told.confirmation("id", TOLD, booking_events.BookingConfirmed(booking=made))
    assert (fact.id, fact.kind, fact.time, fact.payment) == ("id", Kind.BOOKING_CONFIRMED, DONE, "p")
    assert [(line.ticket_type, line.figures) for line in fact.lines] == [
        ("a", Figures(bookings_confirmed=1, orders_confirmed=1, tickets_sold=3, gross=450)),
        ("b", Figures(bookings_confirmed=1, tickets_sold=1)),
    ]


def test_gross_is_what_is_paid_with_discounts_taken_off_and_fees_included() -> None:
    made = booking(("a", 2, 150, "CAD"))
    made.lines[0].subtotal.CopyFrom(money_to_wire(Money(400, "CAD")))
    fact = told.confirmation("id", TOLD, booking_events.BookingConfirmed(booking=made))
    assert [line.figures.gross for line in fact.lines] == [300]


def changed(
    made: booking_pb2.Booking, removed: list[tuple[str, int, int]], added: list[tuple[str, int, int]], payment: str = ""
) -> Fact | None:
    message = booking_events.BookingChanged(booking=made)
    for lines, parts in ((message.removed_lines, removed), (message.added_lines, added)):
        for ticket_type, quantity, price in parts:
            lines.add(ticket_type=ticket_type, quantity=quantity, total=money_to_wire(Money(quantity * price, "CAD")))
    message.booking.extra_payments.extend([payment] if payment else [])
    return told.change("id", TOLD, message)


def test_what_left_hands_its_price_over_to_what_came_and_the_difference_came_with_the_last_payment() -> None:
    fact = changed(booking(("a", 1, 150, "CAD"), ("b", 2, 200, "CAD")), [("a", 1, 150)], [("b", 2, 200)], "extra")
    assert fact is not None
    assert (fact.kind, fact.time, fact.payment) == (Kind.BOOKING_CHANGED, TOLD, "extra")
    assert [(line.ticket_type, line.figures) for line in fact.lines] == [
        ("a", Figures(tickets_sold=-1, gross=-150)),
        ("b", Figures(bookings_confirmed=1, tickets_sold=2, gross=400)),
    ]


def test_what_became_cheaper_stays_with_what_left_until_it_is_paid_back() -> None:
    fact = changed(booking(("b", 1, 100, "CAD")), [("a", 1, 150), ("c", 1, 150)], [("b", 1, 100)])
    assert fact is not None
    assert fact.payment == ""
    assert [(line.ticket_type, line.figures) for line in fact.lines] == [
        ("a", Figures(bookings_confirmed=-1, tickets_sold=-1, gross=-50)),
        ("c", Figures(bookings_confirmed=-1, tickets_sold=-1, gross=-50)),
        ("b", Figures(bookings_confirmed=1, tickets_sold=1, gross=100)),
    ]


def test_a_hold_that_is_changed_counts_nothing() -> None:
    made = booking(("a", 1, 150, "CAD"))
    made.ClearField("confirm_time")
    assert changed(made, [], [("a", 1, 150)]) is None


def test_a_refund_of_what_a_change_cost_falls_on_what_came_with_it() -> None:
    made = booking(("b", 1, 100, "CAD"), ("c", 1, 100, "CAD"))
    sale = changed(made, [("a", 1, 150)], [("b", 1, 100), ("c", 1, 100)], "p")
    assert sale is not None
    payment = refunds(("r", 50, DONE))
    refund = told.refund("id", TOLD, RefundCompleted(payment=payment, refund=payment.refunds[0]))
    fact = refund_fact(refund, sale)
    assert [(line.ticket_type, line.figures.refunded) for line in fact.lines] == [("b", 25), ("c", 25)]


def test_a_booking_ends_once_in_each_of_its_types_and_a_late_scan_makes_a_no_show_a_visit() -> None:
    made = booking(("a", 2, 150, "CAD"), ("b", 1, 5, "CAD"))
    done = told.completion("id", TOLD, booking_events.BookingCompleted(booking=made))
    empty = told.no_show("id", TOLD, booking_events.BookingNoShow(booking=made))
    assert [line.figures for line in done.lines] == [
        Figures(bookings_completed=1, orders_completed=1), Figures(bookings_completed=1),
    ]  # fmt: skip
    assert [line.figures for line in empty.lines] == [
        Figures(bookings_no_show=1, orders_no_show=1), Figures(bookings_no_show=1),
    ]  # fmt: skip
    for state in (booking_pb2.BOOKING_STATE_NO_SHOW, booking_pb2.BOOKING_STATE_COMPLETED):
        made.history.add(state=state)
    late = booking_events.TicketCheckedIn(booking=made, ticket=booking_pb2.Ticket(ticket_type="b"))
    fact = told.check_in("id", TOLD, late)
    assert fact is not None
    assert [(line.ticket_type, line.figures) for line in fact.lines] == [
        ("b", Figures(tickets_checked_in=1)),
        ("a", Figures(bookings_completed=1, bookings_no_show=-1, orders_completed=1, orders_no_show=-1)),
        ("b", Figures(bookings_completed=1, bookings_no_show=-1)),
    ]
    late.booking.history.add(state=booking_pb2.BOOKING_STATE_COMPLETED)
    assert (told.check_in("id", TOLD, late) or fact).lines == fact.lines[:1]


def test_a_time_that_is_not_told_is_that_of_the_domain_event() -> None:
    fact = told.confirmation("id", TOLD, booking_events.BookingConfirmed(booking=booking_pb2.Booking()))
    assert fact.time == TOLD


def test_a_cancelled_hold_counts_nothing_and_a_cancelled_booking_its_tickets() -> None:
    message = booking_events.BookingCancelled(booking=booking(("a", 2, 150, "CAD")))
    message.former_state = booking_pb2.BOOKING_STATE_HELD
    assert told.cancellation("id", TOLD, message) is None
    message.former_state = booking_pb2.BOOKING_STATE_CONFIRMED
    fact = told.cancellation("id", TOLD, message)
    assert fact is not None
    assert [line.figures for line in fact.lines] == [
        Figures(bookings_cancelled=1, orders_cancelled=1, tickets_cancelled=2)
    ]


def test_a_check_in_counts_under_the_currency_its_type_was_sold_in() -> None:
    made = booking(("a", 2, 150, "CAD"), ("b", 1, 5, "JPY"))
    ticket = booking_pb2.Ticket(ticket_type="b")
    fact = told.check_in("id", TOLD, booking_events.TicketCheckedIn(booking=made, ticket=ticket))
    assert fact is not None
    assert [(line.currency, line.figures) for line in fact.lines] == [("JPY", Figures(tickets_checked_in=1))]
    assert told.check_in("id", TOLD, booking_events.TicketCheckedIn(booking=made, ticket=ticket, again=True)) is None


def test_a_check_in_that_is_taken_back_counts_less_on_its_own_day_unless_another_one_stands() -> None:
    ticket = booking_pb2.Ticket(ticket_type="b", state=booking_pb2.TICKET_STATE_VALID)
    message = booking_events.CheckInUndone(booking=booking(("b", 1, 5, "JPY")), ticket=ticket)
    fact = told.check_in_undone("id", TOLD, message)
    assert fact is not None
    assert (fact.time, [line.figures for line in fact.lines]) == (TOLD, [Figures(tickets_checked_in=-1)])
    message.ticket.state = booking_pb2.TICKET_STATE_CHECKED_IN
    assert told.check_in_undone("id", TOLD, message) is None


def refunds(*amounts: tuple[str, int, datetime | None]) -> payment_pb2.Payment:
    payment = payment_pb2.Payment(name="p", booking="events/e/bookings/b")
    for id, amount, done in amounts:
        refund = payment.refunds.add(id=id, amount=money_to_wire(Money(amount, "CAD")))
        refund.state = payment_pb2.REFUND_STATE_COMPLETED if done else payment_pb2.REFUND_STATE_PENDING
        if done:
            refund.complete_time.FromDatetime(done)
    return payment


def test_a_refund_knows_what_was_paid_back_before_it_also_when_two_were_done_in_one_commit() -> None:
    payment = refunds(("late", 1, TOLD.replace(hour=9)), ("open", 10, None), ("x", 100, DONE), ("y", 1000, DONE))
    before = {
        refund.id: told.refund("id", TOLD, RefundCompleted(payment=payment, refund=refund)).before
        for refund in payment.refunds
    }
    assert (before["late"], before["x"], before["y"]) == (0, 1, 101)


def test_money_that_came_twice_and_went_back_is_no_refund_of_a_sale() -> None:
    payment = refunds(("twice", 500, TOLD.replace(hour=9)), ("x", 100, DONE))
    payment.refunds[0].surplus = True
    assert told.refund("id", TOLD, RefundCompleted(payment=payment, refund=payment.refunds[1])).before == 0


async def test_money_that_came_twice_is_recorded_nowhere(memory_stores) -> None:
    stores, payment = memory_stores(), refunds(("twice", 500, DONE))
    payment.refunds[0].surplus = True
    listener = Listener(stores.facts, stores.organizers, lambda: None)
    received = Received("id", "", "p", 1, TOLD, "", "")
    await listener.refund_completed(RefundCompleted(payment=payment, refund=payment.refunds[0]), received)
    payment.refunds[0].surplus = False
    with pytest.raises(Unavailable, match="SALE_UNKNOWN"):  # it would have been one of a sale
        await listener.refund_completed(RefundCompleted(payment=payment, refund=payment.refunds[0]), received)


def test_a_refund_falls_on_the_lines_of_its_booking_and_leaves_out_those_it_does_not_touch() -> None:
    made = booking(("a", 2, 150, "CAD"), ("b", 1, 0, "CAD"), ("c", 1, 100, "CAD"))
    sale = told.confirmation("sale", TOLD, booking_events.BookingConfirmed(booking=made))
    payment = refunds(("r", 200, DONE))
    refund = told.refund("id", TOLD, RefundCompleted(payment=payment, refund=payment.refunds[0]))
    fact = refund_fact(refund, sale)
    assert (fact.time, fact.event, fact.booking) == (DONE, "events/e", "events/e/bookings/b")
    assert [(line.ticket_type, line.figures.refunded) for line in fact.lines] == [("a", 150), ("c", 50)]


async def test_a_refund_waits_until_it_is_known_what_its_payment_paid_for(memory_stores) -> None:
    stores = memory_stores()
    payment = refunds(("r", 200, DONE))
    refund = told.refund("id", TOLD, RefundCompleted(payment=payment, refund=payment.refunds[0]))
    with pytest.raises(Unavailable) as caught:
        await record_refund(stores.facts, stores.organizers, refund)
    assert caught.value.reason == "SALE_UNKNOWN"
    message = booking_events.PaymentUnclaimed(booking=booking(("a", 1, 1, "CAD")), payment="p")
    zone = told.zone_of(OrganizerUpdated().snapshot, 1)
    await stores.facts.file(told.unclaimed("u", TOLD, message), zone.__class__("organizers/o", 1, "UTC"))
    await record_refund(stores.facts, stores.organizers, refund)
    assert set(stores.facts.filed) == {"u"}


def test_every_domain_event_says_whom_it_is_about() -> None:
    assert told.organizer_of(booking_events.BookingConfirmed(booking=booking())) == "organizers/o"
    assert told.organizer_of(RefundCompleted(payment=payment_pb2.Payment(organizer="organizers/p"))) == "organizers/p"
    message = OrganizerUpdated()
    message.snapshot.organizer.name = "organizers/q"
    assert told.organizer_of(message) == "organizers/q"


def test_a_fact_of_nothing_is_a_fact() -> None:
    message = booking_events.PaymentUnclaimed(booking=booking(("a", 1, 1, "CAD")), payment="q")
    fact = told.unclaimed("id", TOLD, message)
    assert fact == Fact(
        "id", Kind.PAYMENT_UNCLAIMED, "organizers/o", "events/e", "events/e/bookings/b", "q", TOLD
    )  # fmt: skip


PRICES = st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 10**6)), min_size=1, max_size=4)


@given(PRICES, st.lists(st.integers(1, 10**4), max_size=5))
def test_refunds_add_up_in_the_currency_of_the_event_too(prices: list[tuple[int, int]], amounts: list[int]) -> None:
    """INVARIANT: see refund_fact."""
    lines = [
        Line(f"t{number}", "JPY", Figures(gross=paid, base_gross=base), "EUR")
        for number, (paid, base) in enumerate(prices)
    ]
    sale = Fact("s", Kind.BOOKING_CONFIRMED, "o", "e", "b", "p", TOLD, tuple(lines))
    paid, base = sum(each for each, _ in prices), sum(each for _, each in prices)
    before, back = 0, Figures()
    for number, amount in enumerate([*amounts, paid]):
        part = min(amount, paid - before)
        fact = refund_fact(Refund(f"r{number}", "p", Money(part, "JPY"), before, DONE), sale)
        assert all((line.currency, line.base) == ("JPY", "EUR") for line in fact.lines)
        before, back = before + part, sum((line.figures for line in fact.lines), back)
        assert back.refunded == before
        assert abs(back.base_refunded * paid - base * before) * 2 <= paid
    assert (back.refunded, back.base_refunded) == (paid, base if paid else 0)


def test_a_sale_in_another_currency_counts_in_both() -> None:
    made = booking(("a", 2, 7999, "JPY"))
    made.exchange.base_currency_code = "EUR"
    made.lines[0].base_total.CopyFrom(money_to_wire(Money(9800, "EUR")))
    fact = told.confirmation("id", TOLD, booking_events.BookingConfirmed(booking=made))
    counted = Figures(bookings_confirmed=1, orders_confirmed=1, tickets_sold=2, gross=15998, base_gross=9800)
    assert fact.lines == (Line("a", "JPY", counted, "EUR"),)
    ticket = booking_events.TicketCheckedIn(booking=made, ticket=booking_pb2.Ticket(ticket_type="a"))
    checked_in = told.check_in("id", TOLD, ticket)
    assert checked_in is not None
    assert checked_in.lines == (Line("a", "JPY", Figures(tickets_checked_in=1), "EUR"),)


def test_amounts_of_different_currencies_are_never_added_but_by_the_rates_of_their_bookings() -> None:
    """INVARIANT: see rows_of."""
    lines = (
        Line("t", "EUR", Figures(tickets_sold=1, gross=4900)),
        Line(
            "t", "JPY", Figures(tickets_sold=2, gross=15998, refunded=7999, base_gross=9800, base_refunded=4900), "EUR"
        ),
        Line("t", "USD", Figures(tickets_sold=1, gross=500)),
    )
    sheets = [Sheet(SheetKey("o", DONE.date(), "e"), lines)]
    paid = [(row.currency, row.figures.gross, row.figures.refunded) for row in rows_of(sheets, ())]
    assert paid == [("EUR", 4900, 0), ("JPY", 15998, 7999), ("USD", 500, 0)]
    rows = rows_of(sheets, (), in_event_currency=True)
    assert [(row.currency, row.figures.tickets_sold, row.figures.gross, row.figures.refunded) for row in rows] == [
        ("EUR", 3, 14700, 4900), ("USD", 1, 500, 0),
    ]  # fmt: skip
