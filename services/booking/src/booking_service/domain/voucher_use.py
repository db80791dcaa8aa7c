"""How often a voucher was redeemed and which places it still keeps, for limits that hold over all bookings."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain.inventory import Places
from booking_service.domain.memory import Memory
from booking_service.domain.offer import Offer
from booking_service.domain.voucher import Voucher
from domain_kit.refusals import FailedPrecondition


@dataclass(frozen=True, slots=True)
class VoucherUse:
    """A tally, written whenever its voucher is: what rests on an older voucher fails at this guard.

    voucher: its id. uses: tickets of live bookings. kept: of `reserved` tickets those whose places, one of each of
    `pools` a ticket, are taken for its bearers. max_uses, reserved, tag: as the voucher says. lapse_time: when what it
    keeps goes back, None when nothing does. lapsed: its time is over, so that it keeps nothing any more. used_up: none
    of its uses is left. gone: the voucher was deleted. sort: of the tickets that it keeps places for; "" where an
    earlier release did not say, and then they stay in `pools`.
    """

    event: str
    voucher: str
    uses: int = 0
    max_uses: int = 0
    reserved: int = 0
    kept: int = 0
    pools: tuple[str, ...] = ()
    lapse_time: datetime | None = None
    lapsed: bool = False
    tag: str = ""
    used_up: bool = False
    gone: bool = False
    sort: str = ""
    version: int = 0
    memory: ClassVar[Memory] = Memory.NONE

    @property
    def name(self) -> str:
        """`events/{event}/voucherUses/{voucher}`."""
        return use_key(self.event, self.voucher)[1]

    @property
    def keeps(self) -> Places:
        """Pool id → places taken for its bearers."""
        return self.places_of(self.kept)

    @property
    def keepable(self) -> int:
        """Tickets whose places it would keep if there were enough: those reserved and not redeemed."""
        return 0 if self.lapsed or self.gone else max(0, self.reserved - self.uses)

    def drawing(self, drawn: Mapping[str, tuple[str, ...]]) -> "VoucherUse":
        """With the pools in which what it keeps counts now. drawn: of the inventory."""
        return replace(self, pools=drawn[self.sort]) if self.sort in drawn else self

    def places_of(self, tickets: int) -> Places:
        """Pool id → places of so many reserved tickets."""
        return {pool: count * tickets for pool, count in Counter(self.pools).items()} if tickets else {}

    def redeemed(self, tickets: int) -> "VoucherUse":
        """With so many more, those it keeps places for first. FailedPrecondition VOUCHER_UNKNOWN, VOUCHER_USED_UP.

        INVARIANT: uses never exceed max_uses, however many redeem at once and in however many processes.
        """
        if self.gone:
            raise unknown_voucher(self.voucher)
        if self.max_uses and self.uses + tickets > self.max_uses:
            raise used_up(self.voucher, max(0, self.max_uses - self.uses))
        return _settled(replace(self, uses=self.uses + tickets, kept=self.kept - min(self.kept, tickets)))

    def given_back(self, tickets: int, places: Places) -> "VoucherUse":
        """With so many fewer; as far as it kept places for them, it keeps them again out of those that come back.

        ValueError when there are not so many.
        """
        if tickets > self.uses:
            raise ValueError(f"{self.name} gives back {tickets} of {self.uses}")
        less = _settled(replace(self, uses=self.uses - tickets))
        again = min(max(0, less.keepable - less.kept), tickets)
        for pool, count in Counter(self.pools).items():
            again = min(again, places.get(pool, 0) // count)
        return replace(less, kept=less.kept + again)

    def following(self, voucher: Voucher, former: Voucher | None, offer: Offer, now: datetime) -> "VoucherUse":
        """As its voucher says now, keeping what it should keep; whether there are places is for the caller to see.

        former: the voucher before, for what did not change stays as it is. FailedPrecondition VOUCHER_IN_USE,
        RESERVATION_AMBIGUOUS.
        """
        if voucher.deleted and self.uses:
            raise in_use(self, "It was redeemed; end it by valid_until_time instead.")
        if 0 < voucher.max_uses < self.uses:
            raise in_use(self, f"It was redeemed {self.uses} times; max_uses cannot be less.")
        over = voucher.deleted or voucher.is_over(now)
        same = former is not None and _reservation(former) == _reservation(voucher) and self.lapsed == over
        after = replace(
            self,
            max_uses=voucher.max_uses,
            reserved=voucher.reserved,
            tag=voucher.tag,
            gone=voucher.deleted,
            lapsed=over,
            pools=self.pools if same or over else voucher.pools(offer),
            sort=self.sort if same or over else voucher.sort(offer),
        )
        kept = min(self.kept, after.keepable) if same else after.keepable
        return _settled(replace(after, kept=kept, lapse_time=voucher.valid_until))

    def over(self) -> "VoucherUse":
        """Its time has run out: nothing is kept any more."""
        return _settled(replace(self, kept=0, lapsed=True))


def _settled(use: VoucherUse) -> VoucherUse:
    """With what follows from the rest: whether it is used up, and when what it keeps goes back."""
    return replace(
        use,
        used_up=0 < use.max_uses <= use.uses,
        lapse_time=None if use.lapsed or use.gone or not use.reserved else use.lapse_time,
    )


def _reservation(voucher: Voucher) -> tuple[object, ...]:
    """All that has a say in what it keeps, but time."""
    return voucher.reserved, voucher.ticket_types, voucher.dates, voucher.deleted


def use_key(event: str, voucher: str) -> tuple[type[VoucherUse], str]:
    """Where the tally of a voucher is found, by its id or by its code in whatever case."""
    return VoucherUse, f"{event}/voucherUses/{voucher.lower()}"


def unknown_voucher(code: str) -> FailedPrecondition:
    """The refusal for a code that never was and for one that was deleted."""
    return FailedPrecondition(
        "VOUCHER_UNKNOWN", f"There is no voucher {code} of this event.", metadata={"voucher_code": code}
    )


def used_up(code: str, remaining: int) -> FailedPrecondition:
    """The refusal; metadata tell for how many tickets it is still good."""
    metadata = {"voucher_code": code, "remaining": str(remaining)}
    return FailedPrecondition("VOUCHER_USED_UP", f"Voucher {code} is good for {remaining} more.", metadata=metadata)


def in_use(use: VoucherUse, message: str) -> FailedPrecondition:
    """The refusal; metadata tell how many tickets were redeemed."""
    return FailedPrecondition("VOUCHER_IN_USE", message, metadata={"uses": str(use.uses)})
