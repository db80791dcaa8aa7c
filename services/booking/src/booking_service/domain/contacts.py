"""Buyers without an account."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom an organizer booked for, and where the tickets go."""

    display_name: str = ""
    email: str = ""


NOBODY = Contact()
