"""Fill a dataclass from environment variables; say all that is missing or malformed at once."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar

T = TypeVar("T")


class SettingsError(Exception):
    """What is wrong with the environment, one line a variable. Values are not repeated: they may be secrets."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("settings: " + "; ".join(problems))
        self.problems = problems


def variable(
    name: str,
    parse: Callable[[str], Any] = str,
    *,
    default: Any = MISSING,
    secret: bool = False,
) -> Any:
    """A dataclass field read from variable `name`. `parse` raises ValueError; a secret is left out of `repr`."""
    metadata = {"variable": name, "parse": parse}
    if default is MISSING:
        return field(metadata=metadata, repr=not secret)
    return field(default=default, metadata=metadata, repr=not secret)


def read(settings: type[T], environ: Mapping[str, str]) -> T:
    """An instance of `settings` from `environ`. An empty variable counts as absent. SettingsError."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for each in fields(settings):  # type: ignore[arg-type]  # T is a dataclass; the type system cannot say so
        if "variable" in each.metadata:
            _read_one(each, environ, values, problems)
    if problems:
        raise SettingsError(problems)
    return settings(**values)


def _read_one(each: "Field[Any]", environ: Mapping[str, str], values: dict[str, Any], problems: list[str]) -> None:
    name, text = each.metadata["variable"], environ.get(each.metadata["variable"], "")
    if not text:
        if each.default is MISSING:
            problems.append(f"{name} is missing")
        return
    try:
        values[each.name] = each.metadata["parse"](text)
    except ValueError as error:
        problems.append(f"{name} is malformed" + ("" if not each.repr else f": {error}"))


def port(text: str) -> int:
    """A TCP port, 0 (any free one) to 65535."""
    number = int(text)
    if not 0 <= number <= 65535:
        raise ValueError("a port is 0 to 65535")
    return number


def one_of(*choices: str) -> Callable[[str], str]:
    """A parse that takes these texts alone."""

    def chosen(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return chosen


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them."""
    found = tuple(name.strip() for name in text.split(","))
    if not all(found):
        raise ValueError("must be names with commas between them")
    return found


def share(text: str) -> float:
    """A number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError("a share is 0 to 1")
    return number


def positive(text: str) -> float:
    """A number above 0, such as a time in seconds."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise ValueError("must be above 0")
    return number
