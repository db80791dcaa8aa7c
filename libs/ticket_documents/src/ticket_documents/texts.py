"""The few words a ticket needs beside the data, in the reader's language."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from localization import FALLBACK, negotiate


@dataclass(frozen=True, slots=True)
class Texts:
    """The words in one language. `booking_number`: what the number is called by which one asks about a booking."""

    language: str
    ticket: str
    when: str
    where: str
    attendee: str
    seat: str
    booking_number: str
    admits_once: str


def language_for(preferred: Sequence[str]) -> str:
    """The first tag, as it was said, whose language there are words in; else English.

    With the words goes the script: dates in a language without words would need letters that the font may not have.
    """
    available = sorted(_all())
    for tag in preferred:
        if negotiate([tag], available) != FALLBACK or tag.lower().split("-")[0] == FALLBACK:
            return tag
    return FALLBACK


def texts_for(language_code: str) -> Texts:
    """In the language of a tag, else in English."""
    available = _all()
    return available[negotiate([language_code], sorted(available))]


@cache
def _all() -> dict[str, Texts]:
    source = files("ticket_documents").joinpath("data", "texts.json").read_text("utf-8")
    return {language: Texts(language=language, **words) for language, words in json.loads(source).items()}
