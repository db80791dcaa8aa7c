"""What is known of the people who get mail."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A user as this service needs them. `language_code` is a BCP 47 tag, `en` when they said none."""

    name: str
    email: str
    display_name: str
    language_code: str = "en"
