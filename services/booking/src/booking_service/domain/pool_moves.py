"""Everything taken counts in the pools that its sort of tickets draws on now, whenever it was sold.

Lines keep the pools with which they were sold. When an offer changes what a sort draws on, its places move in the
inventory, in the commit that takes the offer over, and the inventory notes where to; from then on whatever gives
tickets of that sort back gives back there. An inventory of which nothing moved has no note, and nothing asks for any.

What waits with an exchange that is still to be paid has some of its places only, and those stay where they are: they
come back when it is paid or ends, a few minutes later, and what is paid is taken from the present pools.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from booking_service.domain.booking import Line
from booking_service.domain.inventory import Inventory
from booking_service.domain.offer import Offer
from booking_service.domain.sorts import sort_key, sort_of, type_of_key
from booking_service.domain.stock import Stock

Drawn = Mapping[str, tuple[str, ...]]


def drawing(lines: Sequence[Line], drawn: Drawn) -> tuple[Line, ...]:
    """Lines that something has, with the pools in which they count now."""
    if not drawn:
        return tuple(lines)
    return tuple(replace(line, pools=drawn.get(sort_key(line.sort), line.pools)) for line in lines)


def offered(lines: Sequence[Line], stock: Stock) -> tuple[Line, ...]:
    """Lines that are about to be taken, with the pools they draw on now."""
    return tuple(replace(line, pools=present_draws(sort_key(line.sort), line.pools, stock)) for line in lines)


def present_draws(key: str, last: tuple[str, ...], stock: Stock) -> tuple[str, ...]:
    """What a sort draws on now; of what is not offered any more the last pools that are known, else these."""
    draws = stock.offer.draws(sort_of(stock.event, key)) if stock.offer and key else ()
    return draws or stock.inventory.drawn.get(key, last)


def noted(inventory: Inventory, draws: Drawn, stock: Stock) -> Inventory:
    """With a note of the pools in which some sorts count that were just taken: of what is not offered any more the
    offer does not tell it.
    """
    more = {key: pools for key, pools in draws.items() if key and not present_draws(key, (), stock)}
    return replace(inventory, drawn={**inventory.drawn, **more}) if more else inventory


def moved(inventory: Inventory, known: Offer | None, offer: Offer) -> Inventory:
    """The inventory for a new offer: what is taken of each sort of tickets counts in the pools of the new one.

    No capacity is asked for: pools may hold more than they have, and then nothing more is sold. Of what is not offered
    any more, or has no pool any more, the places stay where they are.
    """
    if known is None or _what_draws_rest_on(known) == _what_draws_rest_on(offer):
        return inventory
    inventory = _told_apart(inventory, known, offer)
    counts, taken = _by_sort(inventory, known), Counter(inventory.taken)
    drawn: dict[str, tuple[str, ...]] = {}
    for key, tickets in counts.items():
        sort = sort_of(offer.event, key)
        former, draws = inventory.drawn.get(key) or known.draws(sort), offer.draws(sort)
        if not former:
            continue
        now = draws or former
        if key in inventory.drawn or not draws or sorted(now) != sorted(former):
            drawn[key] = now
        for pool, count in Counter(former).items():
            # An earlier release may have sold some of them from other pools.
            taken[pool] = max(0, taken[pool] - count * tickets)
        for pool, count in Counter(now).items():
            taken[pool] += count * tickets
    return replace(inventory, taken=dict(+taken), drawn=drawn)


def _what_draws_rest_on(offer: Offer) -> tuple[object, ...]:
    kinds = {kind.name: (kind.pools, tuple(kind.bundle.items())) for kind in offer.ticket_types}
    return kinds, {pool: each.date for pool, each in offer.pools.items()}, bool(offer.dates)


def _by_sort(inventory: Inventory, known: Offer) -> dict[str, int]:
    """Tickets whose places are all taken, kept ones included; 0 where there are others only."""
    counts = dict(inventory.sorts)
    told_apart = {type_of_key(key) for key in counts}
    rest = {kind: count for kind, count in inventory.sold.items() if kind not in told_apart}
    plain = {kind: count for kind, count in rest.items() if _is_plain(inventory, known, kind)}
    counts.update(plain)
    unknown = rest.keys() - plain.keys()  # sold by a release that did not tell them apart: they stay where they are
    for key in inventory.kept.keys() | inventory.partial.keys():
        if type_of_key(key) not in unknown:
            counts[key] = max(0, counts.get(key, 0) + inventory.kept.get(key, 0) - inventory.partial.get(key, 0))
    return counts


def _told_apart(inventory: Inventory, known: Offer, offer: Offer) -> Inventory:
    """With a sort for what was sold of types that get dates or contents with this offer."""
    in_sorts = {type_of_key(key) for key in inventory.sorts}
    more = {
        kind: count
        for kind, count in inventory.sold.items()
        if kind not in in_sorts and _is_plain(inventory, known, kind) and not _sells_plain(offer, kind)
    }
    return replace(inventory, sorts={**inventory.sorts, **more}) if more else inventory


def _is_plain(inventory: Inventory, known: Offer, kind: str) -> bool:
    """What was sold of it has neither date nor contents."""
    return kind in inventory.drawn or _sells_plain(known, kind)


def _sells_plain(offer: Offer, kind: str) -> bool:
    found = offer.find_ticket_type(sort_of(offer.event, kind).ticket_type)
    return not offer.dates and (found is None or not found.bundle)
