"""Ids as providers make them."""

import secrets
import string

SIGNS = string.ascii_lowercase + string.digits


def new_id(prefix: str = "") -> str:
    """Prefix and 24 lower-case letters and digits.

    Not hexadecimal digits: of such ids one in some hundred has thirteen decimal digits in a row, as a card number has.
    """
    return prefix + "".join(secrets.choice(SIGNS) for _ in range(24))
