"""Seats of the orders of an import: those that the file names, else the best there are."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from booking_service.domain.attendee_import import ImportedOrder
from booking_service.domain.booking import Line
from booking_service.domain.records import View
from booking_service.domain.seat_choice import all_seated


def lines_of(templates: Sequence[Line], order: ImportedOrder) -> tuple[Line, ...]:
    """The lines of an order that has its seats: one a template, in order of appearance."""
    lines = []
    for number in dict.fromkeys(ticket.template for ticket in order.tickets):
        own = [ticket for ticket in order.tickets if ticket.template == number]
        seats = tuple(seat for ticket in own for seat in ticket.seats)
        attendees = tuple(ticket.attendee for ticket in own)
        lines.append(replace(templates[number], quantity=len(own), attendees=attendees, seats=seats))
    return tuple(lines)


def seated_orders(view: View, templates: Sequence[Line], orders: Sequence[ImportedOrder]) -> list[ImportedOrder]:
    """With seats for each ticket of a type that has seats: an order is one party. Refusals as `all_seated`.

    Orders of one ticket come last and are one party too: one by one they would take the lane seconds.
    """
    parties = [[(number, at) for at in range(len(order.tickets))] for number, order in enumerate(orders)]
    parties = [
        *(party for party in parties if len(party) > 1),
        [each for party in parties if len(party) == 1 for each in party],
    ]
    lined = [_by_line(orders, party) for party in parties]
    seated = all_seated(view, [
        tuple(_line(templates[template], [orders[number].tickets[at].seats for number, at in places])
              for (template, _), places in lines.items())
        for lines in lined
    ])  # fmt: skip
    tickets = [list(order.tickets) for order in orders]
    for places, line in _zipped(lined, seated):
        for (number, at), seats in zip(places, _shares(line), strict=True):
            tickets[number][at] = replace(tickets[number][at], seats=seats)
    return [replace(order, tickets=tuple(own)) for order, own in zip(orders, tickets, strict=True)]


Place = tuple[int, int]  # number of the order, and of the ticket in it
Lined = dict[tuple[int, bool], list[Place]]  # template and whether a seat is named → its tickets


def _by_line(orders: Sequence[ImportedOrder], party: Sequence[Place]) -> Lined:
    lines: Lined = {}
    for number, at in party:
        ticket = orders[number].tickets[at]
        lines.setdefault((ticket.template, bool(ticket.seats)), []).append((number, at))
    return lines


def _line(template: Line, seats: Sequence[tuple[str, ...]]) -> Line:
    return replace(template, quantity=len(seats), seats=tuple(seat for each in seats for seat in each))


def _zipped(lined: Sequence[Lined], seated: Sequence[Sequence[Line]]) -> Iterator[tuple[list[Place], Line]]:
    for lines, party in zip(lined, seated, strict=True):
        yield from zip(lines.values(), party, strict=True)


def _shares(line: Line) -> Iterator[tuple[str, ...]]:
    """The seats of each of its tickets."""
    each = len(line.seats) // line.quantity
    for at in range(line.quantity):
        yield line.seats[at * each : (at + 1) * each]
