"""`filter` of list requests: comparisons joined by AND, a subset of AIP-160."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from domain_kit.refusals import InvalidArgument

Value = str | int | bool | datetime
_EQUALITY = frozenset({"=", "!="})
_ORDER = frozenset({"=", "!=", "<", "<=", ">", ">="})
_LONGEST = 2000
_COMPARISON = re.compile(
    r"""\s*(?P<field>[A-Za-z_][\w.]*)\s*(?P<operator><=|>=|!=|=|<|>|:)\s*"""
    r"""(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'|(?P<bare>[^\s"'()=<>!:][^\s"'()=<>!]*))""",
    re.DOTALL,
)
_AND = re.compile(r"\s+AND(?=\s)|(?=\s)")
_UNSUPPORTED = re.compile(r"\s*(OR|NOT)\b")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition. `operator` is =, !=, <, <=, >, >= or : (the repeated field contains the value)."""

    field: str
    operator: str
    value: Value


@dataclass(frozen=True, slots=True)
class Kind:
    """What a field may be compared with. `read` raises ValueError for other text."""

    wants: str
    operators: frozenset[str]
    read: Callable[[str], Value]


class Text(Kind):
    """A string, compared whole; `repeated` for a repeated field, asked with `:`."""

    def __init__(self, *, repeated: bool = False) -> None:
        super().__init__("a string", frozenset({":"}) if repeated else _EQUALITY, str)


class Integer(Kind):
    """A whole number of 64 bits."""

    def __init__(self) -> None:
        super().__init__("a whole number", _ORDER, _integer)


class Boolean(Kind):
    """true or false."""

    def __init__(self) -> None:
        super().__init__("true or false", _EQUALITY, _boolean)


class Instant(Kind):
    """An RFC 3339 time with a zone; compared as UTC."""

    def __init__(self) -> None:
        super().__init__("a time such as 2027-05-01T18:00:00Z", _ORDER, _instant)


class Choice(Kind):
    """One of some names, for example those of an enum."""

    def __init__(self, names: Collection[str], *, repeated: bool = False) -> None:
        allowed = frozenset(names)

        def read(text: str) -> Value:
            if text not in allowed:
                raise ValueError(text)
            return text

        super().__init__(f"one of {', '.join(sorted(allowed))}", frozenset({":"}) if repeated else _EQUALITY, read)


class FilterFields:
    """The fields a list may be filtered by."""

    def __init__(self, fields: Mapping[str, Kind]) -> None:
        self._fields = dict(fields)

    def parse(self, text: str) -> list[Comparison]:
        """All must hold; none for an empty filter. InvalidArgument FILTER_INVALID says what is wrong and where."""
        if len(text) > _LONGEST:
            raise _refusal(f"must have at most {_LONGEST} characters.")
        comparisons: list[Comparison] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            if comparisons:
                joined = _AND.match(text, position)
                if joined is None:
                    raise _unreadable(text, position)
                position = joined.end()
            found = _COMPARISON.match(text, position)
            if found is None:
                raise _unreadable(text, position)
            comparisons.append(self._comparison(found))
            position = found.end()
        return comparisons

    def _comparison(self, found: re.Match[str]) -> Comparison:
        field, operator, value = found["field"], found["operator"], found["bare"]
        kind = self._fields.get(field)
        if kind is None:
            raise _refusal(f"{field!r} is not one of {', '.join(sorted(self._fields))}.")
        if operator not in kind.operators:
            raise _refusal(f"{field} can be compared with {' '.join(sorted(kind.operators))} only.")
        if value is None:
            quoted = found["double"] if found["double"] is not None else found["single"]
            value = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        try:
            return Comparison(field, operator, kind.read(value))
        except ValueError:
            raise _refusal(f"{field} must be compared with {kind.wants}.") from None


def _integer(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:  # before year 1 or after 9999 once in UTC
        raise ValueError(text) from error


def _unreadable(text: str, position: int) -> InvalidArgument:
    unsupported = _UNSUPPORTED.match(text, position)
    if unsupported:
        return _refusal(f"{unsupported[1]} is not supported; join comparisons with AND.")
    return _refusal(f'cannot be read from character {position + 1} on; write state = DRAFT AND title = "x".')


def _refusal(description: str) -> InvalidArgument:
    return InvalidArgument.of("filter", description, reason="FILTER_INVALID")
