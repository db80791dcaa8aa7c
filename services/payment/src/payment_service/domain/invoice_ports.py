"""What handlers need to issue and show invoices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from domain_kit.repository import Page
from payment_service.domain.invoice import Invoice, Series
from payment_service.domain.invoice_due import InvoiceDue
from payment_service.domain.ledger import Entry
from payment_service.domain.receipt import Receipt, Seller


@dataclass(slots=True)
class Issue:
    """Some invoices of one organizer, issued together or not at all.

    settled: facts that call for none any more. put_off: those that something is not there yet for. reached: series →
    (last number before, last number now). mailed: buyers get them by mail.
    """

    invoices: list[Invoice] = field(default_factory=list)
    reached: dict[Series, tuple[int, int]] = field(default_factory=dict)
    settled: list[str] = field(default_factory=list)
    put_off: list[InvoiceDue] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    mailed: bool = True


class InvoiceBook(Protocol):
    """Invoices, and what they are made of."""

    async def due(self, now: datetime, limit: int) -> Sequence[InvoiceDue]:
        """The oldest facts that call for one, without those that are put off beyond `now`."""

    async def seller(self, organizer: str) -> Seller | None:
        """None: not known yet."""

    async def mails(self, organizer: str) -> bool:
        """Whether it wants its buyers to get invoices by mail."""

    async def receipts(self, sources: Sequence[str]) -> Mapping[str, Receipt]:
        """Those that are known, by source."""

    async def of_payments(self, payments: Sequence[str]) -> Sequence[Invoice]:
        """Invoices and credit notes."""

    async def reached(self, series: Series) -> int:
        """The last number given out; 0: none."""

    async def issue(self, made: Issue) -> bool:
        """All of it in one commit; False, and nothing, when another process gave out such numbers meanwhile."""

    async def get(self, name: str) -> Invoice:
        """NotFound."""

    async def list_page(self, where: Mapping[str, str], after: tuple[Any, ...] | None, limit: int) -> Page[Invoice]:
        """Of an `organizer` or a `buyer`, newest first."""


class Knowledge(Protocol):
    """What is kept of other services' facts. version: of the aggregate that told it; what is older changes nothing."""

    async def keep_receipt(self, receipt: Receipt, version: int) -> None:
        """What money was for."""

    async def keep_seller(self, seller: Seller, version: int) -> None:
        """Who sells."""


class InvoicePrinter(Protocol):
    """Draws invoices."""

    async def print(self, invoice: Invoice, languages: Sequence[str]) -> bytes:
        """A PDF in the first of these languages (BCP 47) that there are words in."""
