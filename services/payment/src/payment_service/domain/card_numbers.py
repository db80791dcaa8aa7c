"""Keeps card numbers out: what looks like one is refused before anything is stored (PCI DSS 4.0.1, requirement 3)."""

import re

from domain_kit.refusals import InvalidArgument

LENGTHS = range(13, 20)  # digits of a primary account number (ISO/IEC 7812-1)
# Groups of digits with at most one separator between them, as people type card numbers.
GROUPED = re.compile(r"\d+(?:[ .\-]\d+)*")
# A signature or a key: some have, by chance, thirteen digits in a row that pass (Razorpay's, one in some hundred).
HEXADECIMAL = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{32,}")


def refuse_card_number(text: str, field: str) -> None:
    """InvalidArgument CARD_NUMBER_REFUSED when `text` holds 13 to 19 digits that pass the Luhn check.

    Not within 32 and more hexadecimal digits, a letter among them: a number that somebody types is never in there.
    """
    if any(_holds_number(found.group()) for found in GROUPED.finditer(HEXADECIMAL.sub("x", text))):
        raise InvalidArgument.of(
            field, "looks like a card number; card numbers are never taken here.", reason="CARD_NUMBER_REFUSED"
        )


def _holds_number(run: str) -> bool:
    groups = re.split(r"\D", run)
    for start in range(len(groups)):
        digits = ""
        for group in groups[start : start + max(LENGTHS)]:
            digits += group
            if len(digits) > max(LENGTHS):
                break
            if len(digits) in LENGTHS and _passes_luhn(digits):
                return True
    return False


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
