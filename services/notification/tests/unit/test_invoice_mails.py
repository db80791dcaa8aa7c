"""An invoice goes to its buyer once, with what its PDF is drawn from, and only where its organizer wants that."""

import pytest

from domain_kit.clock import utc_now
from domain_kit.ids import new_id
from domain_kit.repository import Cause
from event_backbone import NotYet, Received
from notification_service.domain.notification import Notification
from notification_service.domain.people import Person
from notification_service.inbound.consumers import MailCauses
from notification_service.outbound.writing import Writer
from usher.payment.v1 import domain_events_pb2 as payments
from usher.payment.v1 import invoice_pb2

USER = "users/01jz0000000000000000000001"
ADA = Person(USER, "ada@example.org", "Ada", "en-CA")


class World:
    """One person at most, and every notification by its cause."""

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.kept: dict[str, Notification] = {}
        self.causes = MailCauses(self, self, utc_now)

    async def person(self, name: str) -> Person | None:
        return self.people.get(name)

    async def create(self, notification: Notification, facts: object, *, cause: Cause) -> Notification:
        return self.kept.setdefault(cause.key, notification)

    def subjects(self) -> list[str]:
        return sorted(Writer().subject(each.letter) for each in self.kept.values())


def received(subject: str) -> Received:
    return Received(new_id(), "t", subject, 1, utc_now(), "corr", "")


def issued(number: str, *, mailed: bool = True, corrected: str = "") -> payments.InvoiceIssued:
    told = invoice_pb2.Invoice(number=number, buyer=USER, seller_display_name="Nordlicht", corrected_number=corrected)
    told.total.currency_code, told.total.units = "EUR", -20 if corrected else 20
    return payments.InvoiceIssued(invoice=told, mailed=mailed)


async def test_an_invoice_and_its_credit_note_are_mailed_once_each_and_none_that_is_not_wanted() -> None:
    world, first = World(), received("invoices/i")
    with pytest.raises(NotYet):
        await world.causes.invoice_issued(issued("2027-000001"), first)
    world.people[USER] = ADA
    for _ in range(2):
        await world.causes.invoice_issued(issued("2027-000001"), first)
    await world.causes.invoice_issued(issued("CN-2027-000001", corrected="2027-000001"), received("invoices/c"))
    await world.causes.invoice_issued(issued("2027-000002", mailed=False), received("invoices/j"))
    assert world.subjects() == ["Credit note CN-2027-000001 from Nordlicht", "Invoice 2027-000001 from Nordlicht"]
    for each in world.kept.values():
        assert each.recipient == ADA.email
        assert "€20.00" in Writer().write(each.letter).text
        assert invoice_pb2.Invoice.FromString(each.letter.invoice).number in Writer().subject(each.letter)
