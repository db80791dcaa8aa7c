"""Keeps card numbers out of every field of every request, before anything else is done with it."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from payment_service.domain.card_numbers import refuse_card_number

S = TypeVar("S")
# Made here, and checked against a pattern that no card number fits.
MADE_HERE = frozenset({"name", "parent", "booking", "page_token", "etag"})


def without_card_numbers(servicer: type[S]) -> type[S]:
    """The class, with every rpc refusing InvalidArgument CARD_NUMBER_REFUSED; not in raw bodies of webhooks."""
    for name, method in list(vars(servicer).items()):
        if name[0].isupper():
            setattr(servicer, name, _guarded(method))
    return servicer


def refuse_card_numbers(message: Message) -> None:
    """InvalidArgument CARD_NUMBER_REFUSED names the field, as `payment.method`."""
    for path, text in _texts(message, ""):
        refuse_card_number(text, path)


def _guarded(method: Callable[[Any, Any, Any], Awaitable[Any]]) -> Callable[[Any, Any, Any], Awaitable[Any]]:
    @functools.wraps(method)
    async def guarded(self: Any, request: Message, context: Any) -> Any:
        refuse_card_numbers(request)
        return await method(self, request, context)

    return guarded


def _texts(message: Message, before: str) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        path = f"{before}{field.name}"
        if field.name in MADE_HERE:
            continue
        for each in value if field.is_repeated else [value]:
            if field.type == FieldDescriptor.TYPE_MESSAGE:
                yield from _texts(each, f"{path}.")
            elif field.type == FieldDescriptor.TYPE_STRING:
                yield path, each
