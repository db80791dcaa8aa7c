"""Ledger entries, balances and payouts as messages."""

from domain_kit.money import Money
from payment_service.domain.chain import Numbered
from payment_service.domain.ledger import FactKind
from payment_service.domain.payout import Payout, Position
from resource_api import etag_of, money_to_wire, time_to_wire
from usher.payment.v1 import ledger_pb2 as pb

KINDS = {kind: pb.LedgerEntryKind.Value(f"LEDGER_ENTRY_KIND_{kind.name}") for kind in FactKind}


def entry_to_wire(numbered: Numbered) -> pb.LedgerEntry:
    """An entry with its place in the chain."""
    entry = numbered.entry
    return pb.LedgerEntry(
        number=numbered.number,
        id=entry.id,
        kind=KINDS[entry.kind],
        entry_time=time_to_wire(entry.time),
        payment=entry.payment,
        postings=[
            pb.LedgerPosting(account=each.account.name, amount=money_to_wire(each.amount)) for each in entry.postings
        ],
        gateway_reference=entry.reference,
        hash=numbered.link,
    )


def balance_to_wire(position: Position) -> pb.Balance:
    """What an organizer is owed in one currency."""
    figures = {
        "payable": position.payable,
        "tax": position.tax,
        "refunding": position.refunding,
        "disputed": position.disputed,
        "held_back": position.held_back,
        "available": position.available,
        "paid_out": position.paid_out,
    }
    return pb.Balance(**{name: money_to_wire(Money(each, position.currency)) for name, each in figures.items()})


def payout_to_wire(payout: Payout) -> pb.Payout:
    """A payout."""
    return pb.Payout(
        name=payout.name,
        amounts=[money_to_wire(each) for each in payout.amounts],
        taxes=[money_to_wire(each) for each in payout.taxes],
        transfers=[
            pb.PayoutTransfer(recipient=each.recipient, amount=money_to_wire(each.amount)) for each in payout.transfers
        ],
        create_time=time_to_wire(payout.create_time),
        requester=payout.requester,
        etag=etag_of(payout.version),
    )
