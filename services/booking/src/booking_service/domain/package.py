"""What goes into one booking together: how many tickets, add-ons beside admissions, whole bundles."""

from collections import Counter
from collections.abc import Iterator, Sequence

from booking_service.domain.offer import Offer, OfferedType
from domain_kit.refusals import FailedPrecondition

Entry = tuple[OfferedType, int, str]  # so many of a type, for a date or ""


def check_package(offer: Offer, entries: Sequence[Entry]) -> None:
    """FailedPrecondition TOO_FEW_IN_BOOKING, TOO_MANY_IN_BOOKING, BUNDLE_INCOMPLETE, ADD_ON_NEEDS_TICKET.

    Metadata tell the type and the limit; TOO_MANY_IN_BOOKING without a type is the limit of the event.
    """
    counted = Counter[str]()
    for kind, quantity, _ in entries:
        counted[kind.name] += quantity  # of a series, over all its dates
    for kind in {kind.name: kind for kind, _, _ in entries}.values():
        check_quantity(kind, counted[kind.name])
        check_parts(offer, kind)
    issued = sum(quantity * sum(count for _, count in _issued(offer, kind)) for kind, quantity, _ in entries)
    if 0 < offer.terms.most_per_booking < issued:
        raise too_many(offer.terms.most_per_booking)
    check_add_ons(offer, entries)


def check_add_ons(offer: Offer, entries: Sequence[Entry]) -> None:
    """FailedPrecondition ADD_ON_NEEDS_TICKET, TOO_MANY_IN_BOOKING where add-ons lack the admissions they belong to."""
    for kind, quantity, date in entries:
        if kind.add_on:
            _check_add_on(offer, kind, quantity, [entry for entry in entries if entry[2] == date])


def check_quantity(kind: OfferedType, quantity: int) -> None:
    """FailedPrecondition TOO_FEW_IN_BOOKING, TOO_MANY_IN_BOOKING; metadata tell the type and the limit."""
    if quantity < kind.least:
        raise FailedPrecondition(
            "TOO_FEW_IN_BOOKING",
            f"At least {kind.least} of {kind.display_name} go into one booking.",
            metadata={"ticket_type": kind.name, "min_per_booking": str(kind.least)},
        )
    if quantity > kind.most:
        raise too_many(kind.most, kind)


def check_parts(offer: Offer, kind: OfferedType) -> None:
    """FailedPrecondition BUNDLE_INCOMPLETE for a bundle of something that is not sold any more."""
    if any(offer.find_ticket_type(part) is None for part in kind.bundle):
        raise FailedPrecondition(
            "BUNDLE_INCOMPLETE",
            f"Something that {kind.display_name} consists of is not sold any more.",
            metadata={"ticket_type": kind.name},
        )


def too_many(most: int, kind: OfferedType | None = None) -> FailedPrecondition:
    """The refusal for more tickets of a type, or in all, than go into one booking."""
    what = "tickets of this event" if kind is None else f"of {kind.display_name}"
    metadata = {"max_per_booking": str(most)} | ({} if kind is None else {"ticket_type": kind.name})
    return FailedPrecondition("TOO_MANY_IN_BOOKING", f"At most {most} {what} go into one booking.", metadata=metadata)


def _check_add_on(offer: Offer, add_on: OfferedType, quantity: int, entries: Sequence[Entry]) -> None:
    """entries: of the same date. One for each admission it belongs to, where its own maximum does not allow more."""
    admissions = sum(
        count * number for kind, number, _ in entries for part, count in _issued(offer, kind)
        if not part.add_on and (not add_on.add_on_to or part.name in add_on.add_on_to)
    )  # fmt: skip
    if not admissions:
        raise FailedPrecondition(
            "ADD_ON_NEEDS_TICKET",
            f"{add_on.display_name} is only sold together with a ticket that it belongs to.",
            metadata={"ticket_type": add_on.name},
        )
    if add_on.one_each and quantity > admissions:
        raise too_many(admissions, add_on)


def _issued(offer: Offer, kind: OfferedType) -> Iterator[tuple[OfferedType, int]]:
    """The tickets that one of a type stands for: itself, or what it bundles."""
    for part, count in offer.parts_of(kind):
        if part is not kind or not kind.bundle:
            yield part, count
