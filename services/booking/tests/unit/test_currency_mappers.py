"""What a booking costs in the event's currency is told beside what is paid."""

from dataclasses import replace
from datetime import UTC, datetime

from booking_service.domain.booking import Line
from booking_service.domain.pricing.breakdown import Reduction, ReductionKind, TaxPart, UnitPrice, UnitRun
from booking_service.domain.tendering import lines_in
from booking_service.wire import booking_to_wire, quote_to_wire
from domain_kit.exchange_rate import ExchangeRate
from domain_kit.money import Money
from resource_api import money_from_wire
from usher.booking.v1.currency_exchange_pb2 import CurrencyExchange


def test_a_booking_message_says_what_it_costs_in_the_event_s_currency_too(make):
    rate = ExchangeRate("EUR", "JPY", "163.25", datetime(2027, 1, 1, tzinfo=UTC), "by hand")
    half = Reduction(ReductionKind.DISCOUNT, "events/e/discounts/d", "Half", Money(250, "EUR"))
    tax = TaxPart("VAT", 190_000, Money(43, "EUR"))
    price = UnitPrice(Money(500, "EUR"), "Early", (half,), Money(20, "EUR"), (tax,))
    base = Line("events/e/ticketTypes/t", 3, "T", Money(500, "EUR"), ("p",), runs=(UnitRun(3, price),))
    (line,) = lines_in([base], rate)
    _, held = make.held()
    booking = replace(held, lines=(line,), total=line.total, exchange_rate=rate)
    message = booking_to_wire(booking)
    assert amounts(message, "total", "discount_total", "fee_total", "amount_due") == [1323, 1224, 99, 1323]
    assert amounts(message.exchange, "base_total") == [810]
    assert [minor(each.amount) for each in message.taxes] == [3 * 70]
    assert [minor(each.amount) for each in message.exchange.base_taxes] == [3 * 43]
    assert amounts(message.lines[0], "unit_price", "subtotal", "total", "base_total") == [816, 2448, 1323, 810]
    told = ("list_price", "discount", "fee", "price", "base_price")
    assert [amounts(each, *told) for each in message.lines[0].units] == [[816, 408, 33, 441, 270]] * 3
    assert set(CurrencyExchange.DESCRIPTOR.fields_by_name) == {each.name for each, _ in message.exchange.ListFields()}
    quote = quote_to_wire(booking)
    assert quote.exchange == message.exchange


def amounts(message, *names):
    return [minor(getattr(message, name)) for name in names]


def minor(money):
    """Minor units; nothing where it is not set."""
    return money_from_wire(money).minor_units if money.currency_code else 0
