"""Amounts of money for readers."""

import re
from copy import copy
from decimal import Decimal
from functools import lru_cache

from babel.numbers import parse_pattern

from domain_kit.money import Money, exponent_of
from localization.locales import locale_of


@lru_cache(maxsize=512)  # many documents tell of the same prices
def format_money(money: Money, locale: str) -> str:
    """Symbol, grouping and signs of the locale (CLDR), digits after the point of ISO 4217, so that nothing is rounded.

    CLDR shows some currencies with fewer digits than they have (IQD: 0 of 3); a receipt must not.
    """
    digits = exponent_of(money.currency)
    data = locale_of(locale)
    pattern = copy(parse_pattern(data.currency_formats["standard"]))
    pattern.frac_prec = (digits, digits)
    amount = Decimal(money.minor_units).scaleb(-digits)
    written = str(pattern.apply(amount, data, currency=money.currency, currency_digits=False))
    # CLDR asks for a space between a code of letters and the number (currencySpacing); Babel leaves it out.
    return re.sub(r"(?<=[^\W\d_])(?=\d)", "\u00a0", written)
