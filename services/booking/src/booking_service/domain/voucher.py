"""A voucher: what a code does for the tickets of a booking."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from booking_service.domain.memory import Memory
from booking_service.domain.offer import Offer, OfferedType
from booking_service.domain.pricing.inputs import VoucherBenefit, VoucherKind
from booking_service.domain.sorts import Sort, bundled, sort_key
from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument
from domain_kit.trails import BEGINNING, Trail


@dataclass(frozen=True, slots=True)
class Voucher:
    """An aggregate. Its id is its code in lower case, so that the store itself keeps codes unique in an event.

    kind, basis_points, amount: see VoucherBenefit. ticket_types, dates: empty for all. max_uses, max_per_booking:
    tickets, 0 without limit. reveals: hidden types that it is for may be booked with it. reserved: tickets whose places
    it keeps. deleted: nobody hears of it any more, but its versions go on when its code is used anew.
    """

    name: str
    event: str
    code: str
    create_time: datetime
    update_time: datetime
    tag: str = ""
    comment: str = ""
    ticket_types: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    kind: VoucherKind = VoucherKind.NONE
    basis_points: int = 0
    amount: Money | None = None
    max_uses: int = 0
    max_per_booking: int = 0
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    reveals: bool = False
    reserved: int = 0
    deleted: bool = False
    version: int = 0
    trail: Trail = BEGINNING
    memory: ClassVar[Memory] = Memory.NONE

    @property
    def id(self) -> str:
        """The last part of its name."""
        return self.name.rpartition("/")[2]

    def covers(self, ticket_type: str, date: str = "") -> bool:
        """Whether it is for tickets of that type, of a series for that date."""
        return (not self.ticket_types or ticket_type in self.ticket_types) and (not self.dates or date in self.dates)

    def is_over(self, now: datetime) -> bool:
        """It cannot be redeemed any more."""
        return self.valid_until is not None and self.valid_until <= now

    def benefit(self) -> VoucherBenefit:
        """What it does to prices."""
        return VoucherBenefit(
            self.code, self.kind, self.basis_points, self.amount, frozenset(self.ticket_types),
            dates=frozenset(self.dates),
        )  # fmt: skip

    def check(self, offer: Offer, former: "Voucher | None" = None) -> None:
        """InvalidArgument with the field that makes no sense, by itself or for what the event sells.

        What it named before it may go on naming, though the event does not sell it any more.
        """
        if self.amount is not None and self.amount.minor_units < (self.kind is VoucherKind.FIXED):
            raise InvalidArgument.of(_AMOUNT_FIELD[self.kind], "must be more than nothing.")
        if self.max_uses and self.reserved > self.max_uses:
            raise InvalidArgument.of("voucher.reserved_tickets", "must not be more than max_uses.")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise InvalidArgument.of("voucher.valid_until_time", "must not be before valid_from_time.")
        types, dates = (former.ticket_types, former.dates) if former else ((), ())
        _check_known("voucher.ticket_types", self.ticket_types, {*types, *(kind.name for kind in offer.ticket_types)})
        _check_known("voucher.dates", self.dates, {*dates, *(date.name for date in offer.dates)})
        self._check_currency(offer)

    def _check_currency(self, offer: Offer) -> None:
        sold = [kind for kind in offer.ticket_types if not self.ticket_types or kind.name in self.ticket_types]
        currencies = sorted({kind.price.currency for kind in sold})
        if self.amount is not None and currencies and self.amount.currency not in currencies:
            raise InvalidArgument.of(
                _AMOUNT_FIELD[self.kind], f"must be in {' or '.join(currencies)}, as its ticket types are."
            )

    def pools(self, offer: Offer) -> tuple[str, ...]:
        """Pool ids of one reserved ticket; () when it reserves none. FailedPrecondition RESERVATION_AMBIGUOUS."""
        if not self.reserved:
            return ()
        drawn: set[tuple[str, ...]] = set()
        for kind, date in self._kinds(offer):
            drawn.add(tuple(sorted(offer.pools_of(kind, date))))
            if len(drawn) > 1:
                break
        if len(drawn) != 1 or drawn == {()}:
            raise FailedPrecondition(
                "RESERVATION_AMBIGUOUS",
                "Name ticket types, of a series dates too, that draw on the same pools: places of those are kept.",
                metadata={"ticket_types": ",".join(self.ticket_types)},
            )
        return drawn.pop()

    def sort(self, offer: Offer) -> str:
        """Key of the sort of tickets in whose pools what it reserves counts, if these are moved; "" for none."""
        if not self.reserved:
            return ""
        return next((sort_key(Sort(kind.name, date, bundled(kind.bundle))) for kind, date in self._kinds(offer)), "")

    def _kinds(self, offer: Offer) -> Iterator[tuple[OfferedType, str]]:
        """What it is for."""
        for date in self.dates or tuple(each.name for each in offer.dates) or ("",):
            yield from ((kind, date) for kind in offer.ticket_types if self.covers(kind.name, date))


_AMOUNT_FIELD = {VoucherKind.FIXED: "voucher.amount_off", VoucherKind.PRICE: "voucher.price"}


def _check_known(field: str, named: Collection[str], known: Collection[str]) -> None:
    for number, name in enumerate(named):
        if name not in known:
            raise InvalidArgument.of(f"{field}[{number}]", f"{name} is not of this event.")


def voucher_key(event: str, code: str) -> tuple[type[Voucher], str]:
    """Where the voucher of a code is found, whatever the code's case."""
    return Voucher, f"{event}/vouchers/{code.lower()}"
