"""Vouchers are made, changed, taken back, and what they kept goes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from booking_service.domain import domain_events as facts
from booking_service.domain.commands.command import Found
from booking_service.domain.inventory import Demand, exchange, keeping, release
from booking_service.domain.memory import Memory
from booking_service.domain.offer import Offer
from booking_service.domain.outcome import Outcome, Step, changed, unchanged
from booking_service.domain.records import Key, Record, View
from booking_service.domain.selling import remaining
from booking_service.domain.stock import Stock
from booking_service.domain.voucher import Voucher, voucher_key
from booking_service.domain.voucher_use import VoucherUse, use_key
from domain_kit.refusals import AlreadyExists, FailedPrecondition, NotFound


@dataclass(frozen=True, slots=True)
class VoucherBatch:
    """What making several at once answers: the names of all, in order. Kept for repeats of the request only."""

    name: str
    vouchers: tuple[str, ...]
    version: int = 0
    memory: ClassVar[Memory] = Memory.NONE


@dataclass(frozen=True, slots=True)
class CreateVouchers:
    """Make vouchers, all of them or none. `batch`: the name of the answer; "" for one voucher, which is its answer."""

    event: str
    vouchers: Sequence[Voucher]
    batch: str = ""
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = True

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """What there is of these codes."""
        return [key for each in self.vouchers for key in _keys(self.event, each.id)]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; AlreadyExists VOUCHER_EXISTS; as `Voucher.check` and `_kept`."""
        offer, stock = view.stock.known_offer(), view.stock
        steps: list[Step] = []
        uses: list[Record] = []
        for each in self.vouchers:
            former = view.find(*voucher_key(self.event, each.id))
            if former is not None and not former.deleted:
                raise AlreadyExists(
                    "VOUCHER_EXISTS", f"The event has a voucher {former.code}.", metadata={"voucher": former.name}
                )
            each.check(offer)
            voucher = replace(each, create_time=now, update_time=now)
            use = view.find(*use_key(self.event, each.id)) or VoucherUse(self.event, each.id)
            stock, after = _kept(stock, use, use.following(voucher, None, offer, now), voucher)
            steps.append(Step(facts.VoucherCreated(), voucher))
            uses.append(after)
        if not self.batch:
            return changed(stock, *steps, tallies=uses)
        return Outcome(stock, VoucherBatch(self.batch, tuple(each.name for each in self.vouchers)), steps, uses)


class _OnVoucher:
    """A command about one voucher that exists already."""

    __slots__ = ()
    event: str
    voucher: str

    @property
    def subject(self) -> Key:
        """The voucher."""
        return Voucher, self.voucher

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The voucher and its tally."""
        return _keys(self.event, self.voucher.rpartition("/")[2])

    def _found(self, view: View) -> tuple[Voucher, VoucherUse]:
        voucher = view.get(Voucher, self.voucher)
        if voucher.deleted:
            raise NotFound.named(self.voucher)
        use: VoucherUse = view.get(*use_key(self.event, voucher.id))
        return voucher, use.drawing(view.stock.inventory.drawn)

    def _after(self, view: View, voucher: Voucher, now: datetime) -> tuple[Stock, VoucherUse]:
        former, use = self._found(view)
        return _kept(view.stock, use, use.following(voucher, former, view.stock.known_offer(), now), voucher)


@dataclass(frozen=True, slots=True)
class UpdateVoucher(_OnVoucher):
    """Change one. `change`: pure, makes the new voucher out of the present one; its name and code stay."""

    event: str
    voucher: str
    change: Callable[[Voucher], Voucher]
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition VOUCHER_IN_USE; as `Voucher.check` and `_kept`."""
        former, _ = self._found(view)
        voucher = self.change(former)
        if voucher == former:
            return unchanged(view.stock, former)
        voucher.check(view.stock.known_offer(), former)
        voucher = replace(voucher, update_time=now)
        stock, use = self._after(view, voucher, now)
        return changed(stock, Step(facts.VoucherChanged(), voucher), tallies=[use])


@dataclass(frozen=True, slots=True)
class DeleteVoucher(_OnVoucher):
    """Take one back."""

    event: str
    voucher: str
    etag: str = ""
    recorded: ClassVar[bool] = True

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound; FailedPrecondition VOUCHER_IN_USE."""
        former, _ = self._found(view)
        voucher = replace(former, deleted=True, update_time=now)
        stock, use = self._after(view, voucher, now)
        return changed(stock, Step(facts.VoucherDeleted(), voucher), tallies=[use])


@dataclass(frozen=True, slots=True)
class LapseReservation:
    """Free what a voucher keeps whose time has run out; nothing where it has not. `voucher`: its id."""

    event: str
    voucher: str
    etag: str = ""
    subject: Key | None = None
    recorded: ClassVar[bool] = False

    def needs(self, stock: Stock, found: Found) -> Sequence[Key]:  # noqa: ARG002
        """The tally."""
        return [use_key(self.event, self.voucher)]

    def decide(self, view: View, now: datetime) -> Outcome:
        """NotFound."""
        use: VoucherUse = view.get(*use_key(self.event, self.voucher))
        if use.lapse_time is None or now < use.lapse_time:
            return unchanged(view.stock, use)
        after, inventory = use.over(), view.stock.inventory
        if use.kept:
            inventory = release(inventory, Demand(use.drawing(inventory.drawn).keeps, {}))
            inventory = keeping(inventory, use.sort, -use.kept)
        return Outcome(view.stock.holding(inventory), after, tallies=[after])


def _keys(event: str, voucher: str) -> list[Key]:
    return [voucher_key(event, voucher), use_key(event, voucher)]


def _kept(stock: Stock, before: VoucherUse, after: VoucherUse, voucher: Voucher) -> tuple[Stock, VoucherUse]:
    """The stock with the places that the voucher keeps. FailedPrecondition SOLD_OUT."""
    if (before.keeps, before.sort) == (after.keeps, after.sort):
        return stock, after
    offer = stock.known_offer()
    taken = exchange(stock.inventory, before.keeps, Demand(after.keeps, {}), offer.capacity_of)
    if taken is None:
        raise _too_few(offer, stock, before, after, voucher)
    return stock.holding(keeping(keeping(taken, before.sort, -before.kept), after.sort, after.kept)), after


def _too_few(offer: Offer, stock: Stock, before: VoucherUse, after: VoucherUse, voucher: Voucher) -> FailedPrecondition:
    left = remaining(offer, release(stock.inventory, Demand(before.keeps, {})), after.pools)
    kind = next((each.name for each in offer.ticket_types if voucher.covers(each.name)), "")
    return FailedPrecondition(
        "SOLD_OUT",
        f"{after.kept} places are to be reserved and {left} are left; some may come back when holds expire.",
        metadata={"ticket_type": kind, "remaining": str(left)},
    )
