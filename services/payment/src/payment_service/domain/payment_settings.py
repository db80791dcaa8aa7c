"""What an organizer says about the gateways its money comes through."""

from dataclasses import dataclass, replace

from domain_kit.refusals import InvalidArgument
from domain_kit.repository import DomainEvent


@dataclass(frozen=True, slots=True)
class PaymentSettings:
    """Of one organizer, `organizers/{organizer}/paymentSettings`.

    pinned: the only gateway that is used; "": any. order: those that come first. excluded: those never used. reserve:
    money is only reserved until it is captured by hand. mails_invoices: buyers get their invoices by mail.
    """

    name: str = ""
    pinned: str = ""
    order: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    reserve: bool = False
    mails_invoices: bool = True
    version: int = 0

    def changed(self, wanted: "PaymentSettings") -> tuple["PaymentSettings", list[DomainEvent]]:
        """As wanted; InvalidArgument GATEWAY_EXCLUDED where it pins or orders what it excludes."""
        for field, names in (("pinned", (wanted.pinned,)), ("order", wanted.order)):
            if set(names) & set(wanted.excluded):
                raise InvalidArgument.of(
                    f"payment_settings.{field}", "names a gateway that is excluded.", reason="GATEWAY_EXCLUDED"
                )
        after = replace(wanted, name=self.name, version=self.version)
        return (self, []) if after == self else (after, [PaymentSettingsChanged()])


@dataclass(frozen=True, slots=True)
class PaymentSettingsChanged:
    """An organizer has said otherwise."""


NO_SETTINGS = PaymentSettings()
