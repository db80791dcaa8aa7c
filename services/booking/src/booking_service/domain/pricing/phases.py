"""The list price of each ticket: that of the first price phase that has not run out."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from booking_service.domain.pricing.inputs import Item, PricedType, Tariff
from booking_service.domain.pricing.slices import Slice


def list_prices(items: Sequence[Item], tariff: Tariff, now: datetime) -> list[Slice]:
    """The tickets of an order, line by line.

    A phase that ends by number ends within an order: its last places go to the lines that were asked for first, the
    other tickets cost what comes next. Nobody gets the early price beyond its number, and nobody who could have bought
    two bookings pays more for one.
    """
    sold = dict(tariff.sold)
    slices = []
    for line, item in enumerate(items):
        kind = tariff.type(item.ticket_type)
        before = sold.get(kind.name, 0)
        sold[kind.name] = before + item.quantity
        for run, (price, phase, count) in enumerate(_runs(kind, before, item.quantity, now)):
            slices.append(Slice(line, run, kind, price, phase, count, date=item.date))
    return slices


def _runs(kind: PricedType, sold: int, quantity: int, now: datetime) -> Iterator[tuple[int, str, int]]:
    """Price, name of the phase and number of tickets, until the quantity is reached."""
    for phase in kind.phases:
        if phase.end is not None and now >= phase.end:
            continue
        count = min(quantity, phase.places - sold) if phase.places else quantity
        if count > 0:
            yield phase.price.minor_units, phase.display_name, count
            sold, quantity = sold + count, quantity - count
        if not quantity:
            return
    yield kind.price.minor_units, "", quantity
