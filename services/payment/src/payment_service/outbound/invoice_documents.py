"""Invoices, receipts and sellers as MongoDB documents and back."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from domain_kit.money import Money
from payment_service.domain.invoice import Invoice, InvoiceKind
from payment_service.domain.receipt import InBase, Receipt, ReceiptLine, Seller, Tax

_MADE = frozenset({"name", "kind", "seller", "lines", "taxes", "total", "in_base"})  # written otherwise than as it is


def money_document(money: Money) -> dict[str, Any]:
    """An amount as stored."""
    return {"minor_units": money.minor_units, "currency": money.currency}


def invoice_document(invoice: Invoice) -> dict[str, Any]:
    """An invoice as stored; `organizer` is there for the indexes. Field by field: `asdict` takes ten times as long."""
    document = {field: getattr(invoice, field) for field in Invoice.__dataclass_fields__ if field not in _MADE}
    return {
        "_id": invoice.name,
        **document,
        **_figures(invoice),
        "kind": invoice.kind.value,
        "seller": {field: getattr(invoice.seller, field) for field in Seller.__dataclass_fields__},
        "organizer": invoice.seller.organizer,
    }


def invoice_of(document: Mapping[str, Any]) -> Invoice:
    """The reverse."""
    rest = {name: document[name] for name in Invoice.__dataclass_fields__ if name not in _MADE}
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
    return {"_id": receipt.source, **_figures(receipt), "buyer_name": receipt.buyer_name}


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


def _figures(told: Invoice | Receipt) -> dict[str, Any]:
    """What an invoice and the receipt that it is made from have in common."""
    return {
        "lines": [
            {"description": each.description, "quantity": each.quantity, "total": money_document(each.total)}
            for each in told.lines
        ],
        "taxes": _taxes_document(told.taxes),
        "total": money_document(told.total),
        "in_base": None if told.in_base is None else _base_document(told.in_base),
    }


def _taxes_document(taxes: Iterable[Tax]) -> list[dict[str, Any]]:
    return [{"name": each.name, "millionths": each.millionths, "amount": money_document(each.amount)} for each in taxes]


def _base_document(base: InBase) -> dict[str, Any]:
    return {
        "rate": base.rate,
        "rate_time": base.rate_time,
        "source": base.source,
        "total": money_document(base.total),
        "taxes": _taxes_document(base.taxes),
    }


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
