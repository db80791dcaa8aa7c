"""The ledger as MongoDB documents and back."""

from collections.abc import Mapping
from typing import Any

from domain_kit.money import Money
from payment_service.domain.chain import Block, Head
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.outbound.invoice_documents import money_document

HEAD = "head"


def head_document(head: Head, version: int) -> dict[str, Any]:
    """Where the chain ends; guarded by `version`, so that it cannot fork."""
    return {
        "_id": HEAD, "version": version, "count": head.count, "link": head.link, "turnover": dict(head.turnover),
    }  # fmt: skip


def head_of(document: Mapping[str, Any] | None) -> Head:
    """The reverse; None: nothing was chained yet."""
    if document is None:
        return Head()
    return Head(document["count"], bytes(document["link"]), document["turnover"])


def block_document(block: Block) -> dict[str, Any]:
    """A block; its version is how many entries it has."""
    return {
        "_id": block.first,
        "version": len(block.entries),
        "entries": list(block.entries),
        "links": list(block.links),
        "ids": list(block.ids),
        "owners": list(block.owners),
        "latest": block.latest,
    }


def block_of(document: Mapping[str, Any]) -> Block:
    """The reverse."""
    return Block(
        document["_id"],
        tuple(document["entries"]),
        tuple(document["links"]),
        tuple(document["ids"]),
        tuple(document["owners"]),
        document["latest"],
    )


def balance_document(account: str, currency: str, amount: int) -> dict[str, Any]:
    """What an account holds in one currency."""
    return {
        "_id": f"{account}|{currency}", "account": account, "owner": account.rpartition("/")[0],
        "currency": currency, "amount": amount,
    }  # fmt: skip


def due_document(due: InvoiceDue) -> dict[str, Any]:
    """What is to be invoiced."""
    return {
        "_id": due.source,
        "time": due.time,
        "payment": due.payment,
        "booking": due.booking,
        "organizer": due.organizer,
        "buyer": due.buyer,
        "amount": money_document(due.amount),
        "reason": due.reason,
        "look": due.look or due.first_look,
    }


def due_of(document: Mapping[str, Any]) -> InvoiceDue:
    """The reverse."""
    rest = {key: value for key, value in document.items() if key not in {"_id", "amount"}}
    return InvoiceDue(source=document["_id"], amount=Money(**document["amount"]), **rest)
