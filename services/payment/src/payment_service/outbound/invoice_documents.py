"""Invoices, receipts and sellers as MongoDB documents and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from domain_kit.money import Money
from payment_service.domain.invoice import Invoice, InvoiceKind
from payment_service.domain.receipt import InBase, Receipt, ReceiptLine, Seller, Tax


def invoice_document(invoice: Invoice) -> dict[str, Any]:
    """An invoice as stored; `organizer` is there for the indexes."""
    document = asdict(invoice)
    return {
        "_id": document.pop("name"), **document, "kind": invoice.kind.value, "organizer": invoice.seller.organizer,
    }  # fmt: skip


def invoice_of(document: Mapping[str, Any]) -> Invoice:
    """The reverse."""
    made = {"name", "kind", "seller", "lines", "taxes", "total", "in_base"}
    rest = {name: document[name] for name in Invoice.__dataclass_fields__ if name not in made}
    return Invoice(
        name=document["_id"],
        kind=InvoiceKind(document["kind"]),
        seller=Seller(**document["seller"]),
        lines=_lines(document),
        taxes=_taxes(document),
        total=Money(**document["total"]),
        in_base=_in_base(document),
        **rest,
    )


def receipt_document(receipt: Receipt) -> dict[str, Any]:
    """A receipt as stored, under the name of its payment or refund."""
    document = asdict(receipt)
    return {"_id": document.pop("source"), **document}


def receipt_of(document: Mapping[str, Any]) -> Receipt:
    """The reverse."""
    return Receipt(
        document["_id"], Money(**document["total"]), _lines(document), _taxes(document), document["buyer_name"],
        _in_base(document),
    )  # fmt: skip


def seller_of(document: Mapping[str, Any]) -> Seller:
    """A seller as stored under its organizer's name."""
    return Seller(document["_id"], document["display_name"], document["country_code"], document["time_zone"])


def seller_document(seller: Seller) -> dict[str, Any]:
    """The reverse."""
    document = asdict(seller)
    return {"_id": document.pop("organizer"), **document}


def _lines(document: Mapping[str, Any]) -> tuple[ReceiptLine, ...]:
    return tuple(
        ReceiptLine(each["description"], each["quantity"], Money(**each["total"])) for each in document["lines"]
    )


def _taxes(document: Mapping[str, Any]) -> tuple[Tax, ...]:
    return tuple(Tax(each["name"], each["millionths"], Money(**each["amount"])) for each in document["taxes"])


def _in_base(document: Mapping[str, Any]) -> InBase | None:
    """None also for one that was stored before there were other currencies."""
    base = document.get("in_base")
    if base is None:
        return None
    return InBase(base["rate"], base["rate_time"], base["source"], Money(**base["total"]), _taxes(base))
