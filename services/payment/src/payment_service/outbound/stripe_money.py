"""Amounts as Stripe counts them (https://docs.stripe.com/currencies, "Zero-decimal currencies" and "Special cases")."""

from domain_kit.money import Money, exponent_of
from domain_kit.refusals import InvalidArgument

# Digits after the point, where Stripe's differ from ISO 4217: krónur and shillings are sent as if they had cents, and
# Malagasy ariary as if they had none.
STRIPE_EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}


def stripe_amount(money: Money) -> int:
    """What goes into `amount`; InvalidArgument AMOUNT_NOT_CHARGEABLE where Stripe cannot say it.

    Of currencies with three digits Stripe wants the last to be 0.
    """
    exponent = exponent_of(money.currency)
    if exponent == 3 and money.minor_units % 10:
        raise _not_chargeable(money, "the third digit after the point must be 0.")
    shift = STRIPE_EXPONENTS.get(money.currency, exponent) - exponent
    if shift >= 0:
        amount: int = money.minor_units * 10**shift
        return amount
    amount, rest = divmod(money.minor_units, 10**-shift)
    if rest:
        raise _not_chargeable(money, f"only whole {money.currency} can be charged.")
    return amount


def _not_chargeable(money: Money, why: str) -> InvalidArgument:
    return InvalidArgument.of("amount", f"{money} cannot be charged: {why}", reason="AMOUNT_NOT_CHARGEABLE")
