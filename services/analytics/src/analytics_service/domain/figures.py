"""What is counted of sales; everything adds up."""

from dataclasses import dataclass, fields
from operator import add, attrgetter


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, and money in minor units of one currency.

    base_…: the same money in the event's currency, where bookings are paid in another one; else nothing.
    bookings_…: bookings with a line of the ticket type at hand, so one of two types counts in both.
    orders_…: the same bookings, each in one of its ticket types only; these add up over types.
    """

    bookings_confirmed: int = 0
    bookings_cancelled: int = 0
    orders_confirmed: int = 0
    orders_cancelled: int = 0
    tickets_sold: int = 0
    tickets_cancelled: int = 0
    tickets_checked_in: int = 0
    gross: int = 0
    refunded: int = 0
    bookings_completed: int = 0
    bookings_no_show: int = 0
    orders_completed: int = 0
    orders_no_show: int = 0
    base_gross: int = 0
    base_refunded: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*map(add, _values(self), _values(other)))

    def __mul__(self, times: int) -> "Figures":
        return Figures(*(value * times for value in _values(self)))

    def __bool__(self) -> bool:
        return any(_values(self))


_values = attrgetter(*(each.name for each in fields(Figures)))  # dataclasses.astuple copies deeply, which takes longer
NOTHING = Figures()
