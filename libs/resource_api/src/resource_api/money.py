"""domain_kit.Money as google.type.Money and back."""

from google.type import money_pb2

from domain_kit.money import Money, from_units_and_nanos, units_and_nanos
from domain_kit.refusals import FieldViolation, InvalidArgument


def money_to_wire(money: Money) -> money_pb2.Money:
    """The message."""
    units, nanos = units_and_nanos(money)
    return money_pb2.Money(currency_code=money.currency, units=units, nanos=nanos)


def minor_to_wire(minor_units: int, currency: str) -> money_pb2.Money | None:
    """The same for minor units of a currency; None, which leaves a field unset, for nothing."""
    return money_to_wire(Money(minor_units, currency)) if minor_units else None


def money_from_wire(message: money_pb2.Money, *, field: str = "") -> Money:
    """The amount. InvalidArgument as domain_kit.money, naming the request `field` that held it."""
    try:
        return from_units_and_nanos(message.units, message.nanos, message.currency_code)
    except InvalidArgument as refusal:
        if not field:
            raise
        within = f"{field}.currency_code" if refusal.reason == "CURRENCY_UNKNOWN" else field
        raise InvalidArgument(
            refusal.reason, refusal.message, violations=[FieldViolation(within, refusal.message)]
        ) from None
