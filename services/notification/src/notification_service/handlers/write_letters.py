"""What a domain event says in a mail."""

from datetime import datetime

from domain_kit.money import Money
from notification_service.domain.letter import Admission, Exchange, Letter, Occasion
from notification_service.domain.people import Person


def _amounts(**amounts: Money | None) -> tuple[tuple[str, int, str], ...]:
    return tuple((name, money.minor_units, money.currency) for name, money in amounts.items() if money is not None)


def _rate(exchange: Exchange | None) -> tuple[tuple[str, str], ...]:
    return (("rate", exchange.rate),) if exchange else ()


def _base(exchange: Exchange | None) -> Money | None:
    return None if exchange is None else exchange.total


def email_verification(person: Person, token: str) -> Letter:
    """The code that proves an address."""
    return Letter("email_verification", person.language_code, (("name", person.display_name), ("token", token)))


def booking_confirmed(
    person: Person,
    occasion: Occasion,
    booking: str,
    total: Money,
    admissions: tuple[Admission, ...],
    exchange: Exchange | None = None,
) -> Letter:
    """Tickets with their codes and a calendar entry."""
    return Letter(
        "booking_confirmed",
        person.language_code,
        (("name", person.display_name), ("booking", booking), *_rate(exchange)),
        _amounts(total=total, base_total=_base(exchange)),
        occasion,
        admissions,
    )


def booking_cancelled(
    person: Person, occasion: Occasion, booking: str, reason: str, refund_due: Money | None
) -> Letter:
    """That the tickets no longer admit, and what is paid back."""
    values = (("name", person.display_name), ("booking", booking), ("reason", reason))
    return Letter("booking_cancelled", person.language_code, values, _amounts(refund_due=refund_due), occasion)


def booking_waits(person: Person, occasion: Occasion, booking: str) -> Letter:
    """That the organizer has to agree first."""
    values = (("name", person.display_name), ("booking", booking))
    return Letter("booking_waits", person.language_code, values, (), occasion)


def booking_approved(
    person: Person, occasion: Occasion, booking: str, total: Money, until: datetime, exchange: Exchange | None = None
) -> Letter:
    """That the organizer agreed, what is to be paid for the booking, and until when."""
    values = (("name", person.display_name), ("booking", booking), *_rate(exchange))
    amounts = _amounts(total=total, base_total=_base(exchange))
    return Letter("booking_approved", person.language_code, values, amounts, occasion, moments=(("until", until),))


def booking_rejected(person: Person, occasion: Occasion, booking: str, reason: str) -> Letter:
    """That the organizer did not agree."""
    values = (("name", person.display_name), ("booking", booking), ("reason", reason))
    return Letter("booking_rejected", person.language_code, values, (), occasion)


def booking_changed(
    person: Person,
    occasion: Occasion,
    booking: str,
    total: Money,
    refund_due: Money | None,
    admissions: tuple[Admission, ...],
    exchange: Exchange | None = None,
) -> Letter:
    """The tickets as they are now, all that still admit."""
    values = (("name", person.display_name), ("booking", booking), *_rate(exchange))
    amounts = _amounts(total=total, refund_due=refund_due, base_total=_base(exchange))
    return Letter("booking_changed", person.language_code, values, amounts, occasion, admissions)


def ticket_transferred(person: Person, occasion: Occasion, booking: str, admission: Admission) -> Letter:
    """A ticket that somebody passed on."""
    values = (("name", person.display_name), ("booking", booking))
    return Letter("ticket_transferred", person.language_code, values, (), occasion, (admission,))


def ticket_resold(person: Person, occasion: Occasion, booking: str, price: Money) -> Letter:
    """That somebody bought a ticket that was for sale, and what goes back for it."""
    values = (("name", person.display_name), ("booking", booking))
    return Letter("ticket_resold", person.language_code, values, _amounts(price=price or None), occasion)


def change_to_pay(person: Person, occasion: Occasion, booking: str, amount: Money) -> Letter:
    """That a change counts once it is paid."""
    values = (("name", person.display_name), ("booking", booking))
    return Letter("change_to_pay", person.language_code, values, _amounts(amount=amount), occasion)


def payment_failed(person: Person, occasion: Occasion, booking: str, amount: Money, why: str) -> Letter:
    """That a payment was declined and can be tried again."""
    values = (("name", person.display_name), ("booking", booking), ("why", why))
    return Letter("payment_failed", person.language_code, values, _amounts(amount=amount), occasion)


def refund_completed(person: Person, occasion: Occasion, booking: str, amount: Money, reason: str) -> Letter:
    """That money is on its way back."""
    values = (("name", person.display_name), ("booking", booking), ("reason", reason))
    return Letter("refund_completed", person.language_code, values, _amounts(amount=amount), occasion)


def waiting_list_offered(person: Person, occasion: Occasion, booking: str, quantity: int, until: datetime) -> Letter:
    """That places are held for who waited for them, and until when."""
    values = (("name", person.display_name), ("booking", booking), ("quantity", str(quantity)))
    language = person.language_code
    return Letter("waiting_list_offered", language, values, occasion=occasion, moments=(("until", until),))


def waiting_list_lapsed(person: Person, occasion: Occasion, reason: str, *, offered: bool) -> Letter:
    """That somebody is no longer on a waiting list, and why. offered: places were held for them before."""
    values = (("name", person.display_name), ("reason", reason), ("offered", "yes" if offered else ""))
    return Letter("waiting_list_lapsed", person.language_code, values, occasion=occasion)


def invoice_issued(
    person: Person, number: str, seller: str, booking: str, corrected: str, total: Money, invoice: bytes
) -> Letter:
    """That there is an invoice, or a credit note that corrects one, with its PDF."""
    values = (
        ("name", person.display_name), ("number", number), ("seller", seller), ("booking", booking),
        ("corrected", corrected),
    )  # fmt: skip
    template = "credit_note_issued" if corrected else "invoice_issued"
    return Letter(template, person.language_code, values, _amounts(total=total), invoice=invoice)
