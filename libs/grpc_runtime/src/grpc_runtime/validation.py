"""Requests are held against the protovalidate rules of their contracts."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import protovalidate
from google.protobuf.message import Message

from domain_kit.refusals import FieldViolation, InvalidArgument
from grpc_runtime.call import Call, Contents, contents_of
from grpc_runtime.method import Handler, Method

# In all lists of a request together; the longest that contracts allow have some hundreds, but for those that a service
# names. Rules are checked for each item, some 20 000 broken ones a second, and a message may hold millions.
MOST_ITEMS = 3000
# The rule that all contracts have for `request_id`, and the only one that knows it (tests/rules/test_contracts.py).
REQUEST_ID = re.compile("[A-Za-z0-9._:-]{0,64}")
MOST_KNOWN, MOST_BYTES = 1024, 1024

Name = tuple[type[Message], bytes]


class Validation:
    """Refuses requests that break the protovalidate rules of their contract.

    most_items: how many items all lists of a request may have together, by full name of the message, where it is more
        than usual. Of such a long one only the first violation is told, as each takes its time to find.
    """

    def __init__(self, most_items: Mapping[str, int] | None = None) -> None:
        self._validator = protovalidate.Validator()
        self._most_items = dict(most_items or {})
        self._known = KnownRequests()

    def violations_of(self, request: Message) -> list[FieldViolation]:
        """Field paths in proto spelling, for example `event.title` or `lines[2].count`."""
        most = self._most_items.get(request.DESCRIPTOR.full_name, MOST_ITEMS)
        items = _items_in(request, most)
        if items > most:
            return [FieldViolation("", f"must have at most {most} items in all its lists.")]
        found = self._validator.collect_violations(request, fail_fast=items > MOST_ITEMS)
        return [_violation(each) for each in found]

    def around(self, method: Method, following: Handler) -> Handler:  # noqa: ARG002 the same for each method
        """Every rpc."""
        violations_of, known = self.violations_of, self._known

        async def validated(request: Any, call: Call) -> Any:
            name = known.name_of(request, call.contents)
            if name not in known:
                found = violations_of(request)
                if found:
                    raise invalid(found)
                known.add(name)
            return await following(request, call)

        return validated


class KnownRequests:
    """Requests that were found right, but for their request ids: in a sale many ask for the same.

    The rules look at nothing but the message, and to hold one against them is 3 % of all that a hold costs. Kept are
    the kind and the digest of each, of the newest `MOST_KNOWN`.
    """

    def __init__(self) -> None:
        self._names: dict[Name, None] = {}

    def name_of(self, request: Message, contents: Callable[[Message], Contents] = contents_of) -> Name | None:
        """Of all requests that differ by a request id that is right.

        None where nothing is kept: without a request id, with a wrong one, for long messages, and for those that hold
        secrets (`debug_redact`): a hash of a password can be guessed, and that of somebody's own token is of no use.
        """
        request_id: str = getattr(request, "request_id", "")
        if not request_id or not REQUEST_ID.fullmatch(request_id) or request.ByteSize() > MOST_BYTES:
            return None
        digest, secrets = contents(request)
        return None if secrets else (type(request), digest)

    def __contains__(self, name: Name | None) -> bool:
        return name in self._names

    def add(self, name: Name | None) -> None:
        """It was found right."""
        if name is None:
            return
        if len(self._names) >= MOST_KNOWN:
            del self._names[next(iter(self._names))]
        self._names[name] = None


def _items_in(request: Message, most: int) -> int:
    """How many items all lists have together, counted no further than beyond `most`; 0 where they cannot be more."""
    if request.ByteSize() <= most:  # each item takes a byte at least
        return 0
    items, within = 0, [request]
    while within:
        for field, value in within.pop().ListFields():
            if field.is_repeated:
                items += len(value)
                if items > most:
                    return items
                if field.message_type is not None and not field.message_type.GetOptions().map_entry:
                    within.extend(value)
            elif field.message_type is not None:
                within.append(value)
    return items


def _violation(found: protovalidate.Violation) -> FieldViolation:
    path = ""
    proto = found.proto
    for element in proto.field.elements if proto.field is not None else ():
        path += f".{element.field_name}" if path else element.field_name
        subscript = element.subscript
        if subscript is not None:
            value = subscript.value
            path += f'["{value}"]' if isinstance(value, str) else f"[{value}]"
    return FieldViolation(path, proto.message or proto.rule_id)


def invalid(violations: Sequence[FieldViolation]) -> InvalidArgument:
    """FIELD_INVALID, with all of them."""
    first = violations[0]
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    return InvalidArgument(
        "FIELD_INVALID", f"{first.field or 'request'}: {first.description}{more}", violations=violations
    )
