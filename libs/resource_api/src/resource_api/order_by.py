"""`order_by` of list requests (AIP-132): "start_time desc, title"."""

import re
from collections.abc import Iterable

from domain_kit.refusals import InvalidArgument

_TERM = re.compile(r"([a-z][a-z0-9_.]*)(?:\s+(asc|desc))?")

Order = list[tuple[str, int]]


class OrderBy:
    """The fields one list may be sorted by and the order it has when none is asked for."""

    def __init__(self, fields: Iterable[str], *, default: str) -> None:
        self._fields = frozenset(fields)
        self._default = self._parse(default)

    def parse(self, text: str) -> Order:
        """Pairs of field and direction, 1 ascending and -1 descending. InvalidArgument ORDER_BY_INVALID."""
        return self._parse(text) if text.strip() else list(self._default)

    def _parse(self, text: str) -> Order:
        order: Order = []
        for term in text.split(","):
            found = _TERM.fullmatch(term.strip())
            if found is None:
                raise _refusal(f"{term.strip()!r} is not a field, optionally followed by asc or desc.")
            if found[1] not in self._fields:
                raise _refusal(f"{found[1]!r} is not one of {', '.join(sorted(self._fields))}.")
            if found[1] in (field for field, _ in order):
                raise _refusal(f"{found[1]!r} stands twice.")
            order.append((found[1], -1 if found[2] == "desc" else 1))
        return order


def _refusal(description: str) -> InvalidArgument:
    return InvalidArgument.of("order_by", description, reason="ORDER_BY_INVALID")
