"""Letters as text and HTML in the reader's language, from the templates in this package."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from domain_kit.money import Money
from localization import direction_of, format_moment, format_money, format_period, negotiate
from notification_service.domain.letter import Letter

LANGUAGES = ("en",)
_period = lru_cache(maxsize=256)(format_period)  # many letters are about one event


@dataclass(frozen=True, slots=True)
class Written:
    """One mail in one language."""

    language_code: str
    subject: str
    text: str
    html: str


class Writer:
    """Renders templates/<language>/<template>.{subject,txt,html}; values are data, never template code."""

    def __init__(self) -> None:
        options: dict[str, Any] = {"loader": FunctionLoader(_source), "undefined": StrictUndefined}
        self._plain = SandboxedEnvironment(**options, autoescape=False, keep_trailing_newline=True)
        self._html = SandboxedEnvironment(**options, autoescape=True)

    def subject(self, letter: Letter) -> str:
        """The subject line; line breaks in values cannot make headers of their own."""
        language, fill = self._filling(letter)
        return self._subject(f"{language}/{letter.template}", fill)

    def write(self, letter: Letter) -> Written:
        """The whole mail."""
        language, fill = self._filling(letter)
        name = f"{language}/{letter.template}"
        return Written(
            language,
            self._subject(name, fill),
            self._plain.get_template(f"{name}.txt").render(fill),
            self._html.get_template(f"{name}.html").render(fill),
        )

    def _subject(self, name: str, fill: Mapping[str, Any]) -> str:
        return " ".join(self._plain.get_template(f"{name}.subject").render(fill).split())

    def _filling(self, letter: Letter) -> tuple[str, dict[str, Any]]:
        language = negotiate([letter.language_code], list(LANGUAGES))
        locale = letter.language_code if letter.language_code.split("-")[0] == language else language
        occasion = letter.occasion
        when = occasion and _period(occasion.start_time, occasion.end_time, occasion.time_zone, locale)
        amounts = {
            name: format_money(Money(minor_units, currency), locale) if minor_units else ""
            for name, minor_units, currency in letter.amounts
        }
        zone = occasion.time_zone if occasion else "UTC"
        moments = {name: format_moment(instant, zone, locale) for name, instant in letter.moments}
        counts: dict[str, int] = {}
        for admission in letter.admissions:
            counts[admission.display_name] = counts.get(admission.display_name, 0) + 1
        return language, {
            "refund_due": "",
            "total": "",
            "amount": "",
            "base_total": "",
            "rate": "",
            **dict(letter.values),
            **amounts,
            **moments,
            "occasion": occasion,
            "when": when,
            "tickets": counts,
            "language": language,
            "direction": direction_of(language),
        }


def _source(name: str) -> str:
    return files("notification_service").joinpath("templates", name).read_text("utf-8")
