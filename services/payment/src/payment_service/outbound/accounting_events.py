"""Domain events of invoices and payouts, each the first and only one of its subject."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from domain_kit.backbone import EncodedEvent
from domain_kit.repository import Cause
from domain_kit.trails import BEGINNING
from mongo_store import JournalRow, VersionedEvent
from payment_service.domain.invoice import Invoice
from payment_service.domain.payout import Payout
from payment_service.wire.invoices import invoice_to_wire
from payment_service.wire.ledger import payout_to_wire
from usher.payment.v1 import domain_events_pb2 as pb

ACTOR = "services/payment"


def invoice_issued(invoice: Invoice, *, mailed: bool) -> JournalRow:
    """INVARIANT: the cause is the fact that the invoice is for, so that a fact never has two."""
    return _row(Cause(f"invoice|{invoice.source}", actor=ACTOR), invoice.name, _issued(invoice, mailed=mailed))


def payout_created(payout: Payout, cause: Cause, answer: Mapping[str, Any]) -> JournalRow:
    """`answer`: what a repeat is told."""
    return _row(cause, payout.name, pb.PayoutCreated(payout=payout_to_wire(payout)), answer)


def _issued(invoice: Invoice, *, mailed: bool) -> Message:
    return pb.InvoiceIssued(invoice=invoice_to_wire(invoice), mailed=mailed)


def _row(cause: Cause, subject: str, message: Message, answer: Mapping[str, Any] | None = None) -> JournalRow:
    encoded = EncodedEvent(message.DESCRIPTOR.full_name, message.SerializeToString(deterministic=True))
    return JournalRow(cause, subject, (VersionedEvent(encoded, subject, 1, BEGINNING),), answer)
