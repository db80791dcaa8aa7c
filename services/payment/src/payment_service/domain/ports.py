"""What handlers need of storage and of the booking service."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from domain_kit.money import Money
from domain_kit.repository import Cause, Page, Repository
from payment_service.domain.gateways import Captures, PaymentGateway, Refunds
from payment_service.domain.payment import Payment
from payment_service.domain.payment_settings import PaymentSettings
from payment_service.domain.routing import Ranking, Wish
from payment_service.domain.saved_methods import SavedMethods


@dataclass(frozen=True, slots=True)
class Owed:
    """What booking says of a booking. total: what is owed now, which for a change is its price.

    held_until: None where nothing is to be paid. claimed: payments whose money the booking has taken.
    missing_answers: names of questions that must be answered before it is paid.
    """

    booking: str
    buyer: str
    organizer: str
    total: Money
    state: str
    held_until: datetime | None
    missing_answers: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    buyer_email: str = ""

    @property
    def round(self) -> int:
        """How many payments it has taken: each amount it owes has a round, and a round has one payment."""
        return len(self.claimed)


class Bookings(Protocol):
    """The booking service, asked on behalf of the caller."""

    async def owed(self, booking: str) -> Owed:
        """What is owed for a booking; PermissionDenied, Unavailable."""


class PaymentRepository(Repository[Payment], Protocol):
    """Payments by name and by what else they are known for. A booking has one open payment a round: AlreadyExists."""

    def written_last(self, name: str) -> Payment | None:
        """As this process wrote it last, if it remembers; others may have written it since."""

    def name_of(self, gateway: str, key: str, reference: str) -> str | None:
        """The payment with this order, as far as this process has written it and remembers; others may know more."""

    def knows_of(self, booking: str) -> bool:
        """Whether this process has written a payment of a booking lately; others may have."""

    async def answer_to(self, cause: Cause) -> Payment | None:
        """What this cause was answered before; InvalidArgument REQUEST_ID_REUSED."""

    async def open_for(self, booking: str, taken: int) -> Payment | None:
        """The open payment of a booking for what it owes after so many payments."""

    async def undecided_for(self, booking: str) -> Sequence[Payment]:
        """Open payments of a booking whose money may still come."""

    async def with_order(self, gateway: str, key: str, reference: str) -> Payment | None:
        """The payment that has this order, by its key or by any reference it has had."""

    async def list_page(self, whose: Mapping[str, Any], after: tuple[Any, ...] | None, limit: int) -> Page[Payment]:
        """The payments with these field values (payer, booking, organizer), newest first."""


class PaymentSettingsRepository(Protocol):
    """What organizers say about gateways."""

    async def of(self, organizer: str) -> PaymentSettings:
        """Of `organizers/{organizer}`; the usual ones where nothing was ever said."""

    async def lately(self, organizer: str) -> PaymentSettings:
        """The same as of a moment ago at most."""

    async def change(self, organizer: str, wanted: PaymentSettings, *, etag: str, cause: Cause) -> PaymentSettings:
        """Say so; InvalidArgument, Aborted ETAG_MISMATCH."""


class Gateway(PaymentGateway, Refunds, Captures, SavedMethods, Protocol):
    """What the handlers call. Where a gateway cannot reserve, `capture` is FailedPrecondition CAPTURE_NOT_TAKEN; where
    it keeps nothing for payers, what is of SavedMethods is SAVING_NOT_TAKEN.
    """


class Gateways(Protocol):
    """Those that are configured. return_uri: where payers come back to from a page of a gateway or bank."""

    return_uri: str

    def named(self, name: str) -> Gateway:
        """Unavailable GATEWAY_NOT_CONFIGURED."""

    async def ranking(self, wish: Wish, organizer: str) -> Ranking:
        """All ways to pay, best first, as the organizer wants it and as they have been doing."""

    async def currencies(self, organizer: str) -> Sequence[str]:
        """Those that an organizer can be paid in."""


class OpenWork(Protocol):
    """Payments about which the gateway is to be asked again."""

    async def take(self, now: datetime, limit: int, busy: Collection[str] = ()) -> Sequence[str]:
        """Names that are due, each put off to its next look, so that no other process takes it too; none of `busy`."""
