"""Which locale to write in, as a BCP 47 tag such as "en", "pt-BR" or "zh-Hant"."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from babel import Locale, UnknownLocaleError

FALLBACK = "en"
MOST_ACCEPTED = 20
_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,7}")
_QUALITY = re.compile(r"[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def negotiate(preferred: Sequence[str], available: Sequence[str]) -> str:
    """The first of `preferred` that `available` has, whole or cut from the right (RFC 4647, lookup); else English.

    `available` are the tags a text was written in; the answer is spelled as there.
    """
    offered = {tag.lower(): tag for tag in available}
    for tag in preferred:
        parts = tag.lower().replace("_", "-").split("-")
        while parts:
            if found := offered.get("-".join(parts)):
                return found
            parts.pop()
            if parts and len(parts[-1]) == 1:
                parts.pop()
    return FALLBACK


def accepted_languages(header: str) -> list[str]:
    """Tags of an Accept-Language header (RFC 9110, 12.5.4), most wanted first; malformed parts and `*` are left out."""
    weighed = []
    for part in header.split(",")[:MOST_ACCEPTED]:
        tag, _, weight = part.partition(";")
        quality = _QUALITY.fullmatch(weight.strip()) if weight.strip() else None
        if _TAG.fullmatch(tag.strip()) and (quality or not weight.strip()):
            weighed.append((float(quality[1]) if quality else 1.0, tag.strip()))
    return [tag for wanted, tag in sorted(weighed, key=lambda each: -each[0]) if wanted > 0]


def direction_of(tag: str) -> Literal["ltr", "rtl"]:
    """Value for the HTML `dir` attribute."""
    return "rtl" if locale_of(tag).text_direction == "rtl" else "ltr"


@lru_cache(maxsize=256)
def locale_of(tag: str) -> Locale:
    """CLDR's data for a tag or its nearest parent; English for what CLDR does not know."""
    parts = tag.replace("_", "-").split("-")
    while parts:
        try:
            return Locale.parse("-".join(parts), sep="-")
        except (UnknownLocaleError, ValueError):
            parts.pop()
    return Locale.parse(FALLBACK)
