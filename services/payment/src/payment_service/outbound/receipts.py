"""Receipts and sellers as projections of other services' domain events."""

from mongo_store import Database, Projection
from payment_service.domain.receipt import Receipt, Seller
from payment_service.outbound.invoice_documents import receipt_document, seller_document
from payment_service.outbound.invoices import RECEIPTS, SELLERS


class MongoKnowledge:
    """payment_service.domain.invoice_ports.Knowledge."""

    def __init__(self, database: Database) -> None:
        self._receipts, self._sellers = Projection(database, RECEIPTS), Projection(database, SELLERS)

    async def keep_receipt(self, receipt: Receipt, version: int) -> None:
        """What money was for."""
        await self._receipts.follow(receipt.source, version, receipt_document(receipt))

    async def keep_seller(self, seller: Seller, version: int) -> None:
        """Who sells."""
        await self._sellers.follow(seller.organizer, version, seller_document(seller))
