"""Which vouchers a booking redeems, and for which of its tickets.

A voucher counts for every ticket that it is for, by type and date, as far as it does something for its line: it makes
one of its tickets cheaper, opens a hidden type, keeps places, or is a mere access code. All of them or none: a booking
with more such tickets than uses are left is refused, so that nobody finds half of the tickets at another price than the
code promised. Of several vouchers one at most changes prices and one at most keeps places: more would make the price
depend on an order that nobody stated, or free places twice for one ticket.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from booking_service.domain.booking import Line, redeemed_by
from booking_service.domain.offer import Offer
from booking_service.domain.pricing.inputs import VoucherBenefit, VoucherKind
from booking_service.domain.records import Key, View
from booking_service.domain.voucher import Voucher, voucher_key
from booking_service.domain.voucher_use import unknown_voucher, use_key
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class Redeeming:
    """The vouchers of one booking."""

    vouchers: Sequence[Voucher] = ()

    @property
    def benefit(self) -> VoucherBenefit | None:
        """What is done to prices."""
        return next((each.benefit() for each in self.vouchers if each.kind is not VoucherKind.NONE), None)

    def opens(self, ticket_type: str, date: str) -> bool:
        """Whether a hidden type may be booked with them."""
        return any(each.reveals and each.covers(ticket_type, date) for each in self.vouchers)

    def with_vouchers(self, offer: Offer, lines: Sequence[Line]) -> tuple[Line, ...]:
        """The priced lines with those that each of their tickets redeems.

        FailedPrecondition VOUCHER_NOT_APPLICABLE, TOO_MANY_IN_BOOKING.
        """
        if not self.vouchers:
            return tuple(lines)
        marked = tuple(
            replace(line, vouchers=tuple(each.id for each in self.vouchers if _does_something(each, offer, line)))
            for line in lines
        )
        counted = redeemed_by(marked)
        for each in self.vouchers:
            if not counted.get(each.id):
                raise FailedPrecondition(
                    "VOUCHER_NOT_APPLICABLE",
                    f"Voucher {each.code} does nothing for these tickets.",
                    metadata={"voucher_code": each.code},
                )
            if 0 < each.max_per_booking < counted[each.id]:
                raise FailedPrecondition(
                    "TOO_MANY_IN_BOOKING",
                    f"Voucher {each.code} is for at most {each.max_per_booking} tickets of one booking.",
                    metadata={"voucher_code": each.code, "max_per_booking": str(each.max_per_booking)},
                )
        return marked


NONE = Redeeming()


def keys_of_codes(event: str, codes: Iterable[str]) -> list[Key]:
    """The records that `redeeming` looks at."""
    return [key for code in codes for key in (voucher_key(event, code), use_key(event, code))]


def redeeming(view: View, event: str, codes: Collection[str], now: datetime) -> Redeeming:
    """The vouchers of these codes.

    FailedPrecondition VOUCHER_UNKNOWN, VOUCHER_NOT_YET_VALID, VOUCHER_EXPIRED, VOUCHERS_NOT_COMBINABLE.
    """
    if not codes:
        return NONE
    spelled = {code.lower(): code for code in codes}
    vouchers = [valid_voucher(view.find(*voucher_key(event, code)), code, now) for code in spelled.values()]
    for several in (
        [each for each in vouchers if each.kind is not VoucherKind.NONE],
        [each for each in vouchers if each.reserved],
    ):
        if len(several) > 1:
            raise FailedPrecondition(
                "VOUCHERS_NOT_COMBINABLE",
                f"Vouchers {several[0].code} and {several[1].code} do not go together; make one booking for each.",
                metadata={"voucher_code": several[1].code},
            )
    return Redeeming(vouchers)


def valid_voucher(voucher: Voucher | None, code: str, now: datetime) -> Voucher:
    """The voucher of that code. FailedPrecondition VOUCHER_UNKNOWN, VOUCHER_NOT_YET_VALID, VOUCHER_EXPIRED."""
    if voucher is None or voucher.deleted:
        raise unknown_voucher(code)
    if voucher.valid_from is not None and now < voucher.valid_from:
        since = voucher.valid_from.isoformat().replace("+00:00", "Z")
        metadata = {"voucher_code": voucher.code, "valid_from_time": since}
        raise FailedPrecondition(
            "VOUCHER_NOT_YET_VALID", f"Voucher {code} is valid from {since} on.", metadata=metadata
        )
    if voucher.is_over(now):
        raise FailedPrecondition(
            "VOUCHER_EXPIRED", f"Voucher {code} is no longer valid.", metadata={"voucher_code": voucher.code}
        )
    return voucher


def _does_something(voucher: Voucher, offer: Offer, line: Line) -> bool:
    if not voucher.covers(line.ticket_type, line.date):
        return False
    opens = voucher.reveals and offer.ticket_type(line.ticket_type).hidden
    cheaper = any(run.unit.voucher == voucher.code for run in line.runs)
    return voucher.kind is VoucherKind.NONE or opens or voucher.reserved > 0 or cheaper
