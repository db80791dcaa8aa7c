"""Frozen dataclasses as what BSON can hold and back, by the types of their fields."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
MILLISECOND = timedelta(milliseconds=1)


def to_plain(value: Any) -> Any:
    """Dataclasses become dicts, tuples lists, enums their values, durations whole milliseconds."""
    if isinstance(value, (str, bytes, int)):
        return value
    if isinstance(value, tuple):
        return [to_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return value // MILLISECOND
    if is_dataclass(value):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    return value


def from_plain(kind: type[T], plain: Mapping[str, Any]) -> T:
    """A dataclass again. Fields that are missing get their default; what it has no field for is passed over."""
    some: Any = kind
    return cast("T", _reader(some)(plain))


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    if get_origin(kind) in (Union, UnionType):
        (some,) = (each for each in get_args(kind) if each is not NoneType)
        read = _reader(some)
        return lambda plain: None if plain is None else read(plain)
    if get_origin(kind) is tuple:
        read_item = _reader(get_args(kind)[0])
        return tuple if read_item is _as_is else lambda plain: tuple(read_item(each) for each in plain)
    if is_dataclass(kind):
        return _dataclass_reader(cast("type[Any]", kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if kind is timedelta:
        return lambda plain: plain * MILLISECOND
    return _as_is


def _dataclass_reader(kind: type[Any]) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    readers = [(field.name, field.default is MISSING, _reader(hints[field.name])) for field in fields(kind)]

    def read(plain: Mapping[str, Any]) -> Any:
        return kind(**{name: reader(plain[name]) for name, needed, reader in readers if needed or name in plain})

    return read


def _as_is(plain: Any) -> Any:
    return plain
