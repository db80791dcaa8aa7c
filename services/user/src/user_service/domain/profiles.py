"""What people and organizers say about themselves, checked and brought into one spelling."""

import dataclasses
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain_kit.refusals import InvalidArgument

P = TypeVar("P", "Profile", "OrganizerProfile")

DEFAULT_LANGUAGE = "en"
DEFAULT_TIME_ZONE = "UTC"
_LANGUAGE = re.compile(
    r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a user wants to hear of, beyond what a contract needs."""

    marketing_email: bool = False
    reminder_email: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a user may change. `country_code` may be empty."""

    display_name: str
    language_code: str = DEFAULT_LANGUAGE
    time_zone: str = DEFAULT_TIME_ZONE
    country_code: str = ""
    preferences: Preferences = field(default_factory=Preferences)

    def checked(self, within: str = "") -> "Profile":
        """The same, trimmed, with defaults for what is empty; InvalidArgument names the field as `within` + name."""
        return dataclasses.replace(
            self,
            display_name=shown_name(self.display_name, f"{within}display_name"),
            language_code=language_tag(self.language_code or DEFAULT_LANGUAGE, f"{within}language_code"),
            time_zone=known_zone(self.time_zone or DEFAULT_TIME_ZONE, f"{within}time_zone"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizerProfile:
    """What managers of an organizer may change. `homepage_uri` may be empty."""

    display_name: str
    time_zone: str
    country_code: str
    homepage_uri: str = ""

    def checked(self, within: str = "") -> "OrganizerProfile":
        """The same, trimmed; InvalidArgument names the field as `within` + its name."""
        if not self.country_code:
            raise InvalidArgument.of(f"{within}country_code", "is required: ISO 3166-1 alpha-2.")
        if any(character.isspace() or not character.isprintable() for character in self.homepage_uri):
            raise InvalidArgument.of(f"{within}homepage_uri", "must not contain spaces or control characters.")
        return dataclasses.replace(
            self,
            display_name=shown_name(self.display_name, f"{within}display_name"),
            time_zone=known_zone(self.time_zone, f"{within}time_zone"),
        )


def changed_paths(before: P, after: P) -> list[str]:
    """Field paths whose values differ, in order of declaration; those of preferences one level down."""
    paths: list[str] = []
    for each in dataclasses.fields(before):
        old, new = getattr(before, each.name), getattr(after, each.name)
        if old == new:
            continue
        if isinstance(old, Preferences):
            inner = [part.name for part in dataclasses.fields(old)]
            paths.extend(f"{each.name}.{name}" for name in inner if getattr(old, name) != getattr(new, name))
        else:
            paths.append(each.name)
    return paths


def shown_name(text: str, path: str) -> str:
    """A name to show: trimmed, one line, not empty."""
    name = text.strip()
    if not name:
        raise InvalidArgument.of(path, "must not be empty.")
    if any(not character.isprintable() for character in name):
        raise InvalidArgument.of(path, "must not contain control characters or line breaks.")
    return name


def language_tag(text: str, path: str) -> str:
    """A BCP 47 tag (RFC 5646: language, script, region, variants) in its usual spelling: `fr-ca` becomes `fr-CA`."""
    if not _LANGUAGE.fullmatch(text):
        raise InvalidArgument.of(path, "must be a BCP 47 tag such as en or fr-CA.", reason="LANGUAGE_INVALID")
    first, *rest = text.split("-")
    return "-".join([first.lower(), *(_subtag(part) for part in rest)])


def known_zone(text: str, path: str) -> str:
    """A name of the IANA time zone database."""
    if not _zone_exists(text):
        raise InvalidArgument.of(path, "must be an IANA time zone such as America/Toronto.", reason="TIME_ZONE_UNKNOWN")
    return text


def _subtag(part: str) -> str:
    if len(part) == 4 and part.isalpha():
        return part.title()
    return part.upper() if len(part) == 2 else part.lower()


@lru_cache(maxsize=1024)
def _zone_exists(name: str) -> bool:
    # zoneinfo would also open what lies beside the zones; those names have other characters.
    if not re.fullmatch(r"[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", name):
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
