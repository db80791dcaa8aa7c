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
_TOKEN = re.compile(
    r"""\s*(?:(?P<operator><=|>=|!=|=|<|>|:)|(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<word>[^\s"'=!<>:()]+(?::[^\s"'=!<>()]+)*))"""
)


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
        tokens = _tokens(text)
        comparisons: list[Comparison] = []
        position = 0
        while position < len(tokens):
            if comparisons and tokens[position] == ("word", "AND"):
                position += 1
            comparisons.append(self._comparison(tokens[position : position + 3]))
            position += 3
        return comparisons

    def _comparison(self, tokens: list[tuple[str, str]]) -> Comparison:
        if tokens and tokens[0] in (("word", "OR"), ("word", "NOT")):
            raise _refusal(f"{tokens[0][1]} is not supported; join comparisons with AND.")
        if [kind for kind, _ in tokens[:2]] != ["word", "operator"] or len(tokens) < 3 or tokens[2][0] == "operator":
            raise _refusal('must be comparisons such as state = DRAFT AND title = "x".')
        (_, field), (_, operator), (_, value) = tokens
        kind = self._fields.get(field)
        if kind is None:
            raise _refusal(f"{field!r} is not one of {', '.join(sorted(self._fields))}.")
        if operator not in kind.operators:
            raise _refusal(f"{field} can be compared with {' '.join(sorted(kind.operators))} only.")
        try:
            return Comparison(field, operator, kind.read(value))
        except ValueError:
            raise _refusal(f"{field} must be compared with {kind.wants}.") from None


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.lastgroup is None:
            raise _refusal(f"cannot be read from character {position + 1} on.")
        value = found[found.lastgroup]
        if found.lastgroup == "quoted":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        tokens.append((found.lastgroup, value))
        position = found.end()
    return tokens


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
    return instant.astimezone(UTC)


def _refusal(description: str) -> InvalidArgument:
    return InvalidArgument.of("filter", description, reason="FILTER_INVALID")
