"""Money, dates and times as a reader's locale writes them."""

from localization.amounts import format_money
from localization.locales import FALLBACK, accepted_languages, direction_of, negotiate
from localization.moments import format_date, format_moment, format_period, format_time

__all__ = [
    "FALLBACK",
    "accepted_languages",
    "direction_of",
    "format_date",
    "format_moment",
    "format_money",
    "format_period",
    "format_time",
    "negotiate",
]
