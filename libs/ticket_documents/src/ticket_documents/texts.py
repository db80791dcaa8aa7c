"""The few words a ticket needs beside the data, in the reader's language."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from localization import negotiate


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


def texts_for(language_code: str) -> Texts:
    """In the language asked for, the nearest one there is, or English."""
    available = _all()
    language = negotiate([language_code], sorted(available)) if language_code else "en"
    return available[language]


@cache
def _all() -> dict[str, Texts]:
    source = files("ticket_documents").joinpath("data", "texts.json").read_text("utf-8")
    return {language: Texts(language=language, **words) for language, words in json.loads(source).items()}
