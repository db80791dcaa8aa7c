"""Ways to pay that a gateway keeps for a payer who has agreed to it; here is only who the payer is there."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from payment_service.domain.gateways import Action, Failure

PREFIX = "saved:"
# Hexadecimal digits without figures: a run of those could be taken for a card number.
LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


@dataclass(frozen=True, slots=True)
class SavedMethod:
    """reference: the gateway's own id of it. method: such as "card". expires: "2030-03"; empty: it does not."""

    reference: str
    method: str
    brand: str
    ending: str
    expires: str = ""


@dataclass(frozen=True, slots=True)
class Saving:
    """How it ended to hand one in: kept, or the payer has to do something first, or refused."""

    method: SavedMethod | None = None
    action: Action | None = None
    failure: Failure | None = None


class SavedMethods(Protocol):
    """A gateway that keeps ways to pay. All raise Unavailable when the outcome is unknown; each may be repeated."""

    async def keeper(self, payer: str) -> str:
        """The gateway's name for a payer, `users/{user}`, from now on; nothing about the person goes there."""

    async def save(self, keeper: str, token: str, *, id: str, return_uri: str) -> Saving:
        """Keep what the payer's browser got; `id` (32 hex digits) is the idempotency key."""

    async def saved(self, keeper: str) -> Sequence[SavedMethod]:
        """What is kept, newest first."""

    async def forget(self, keeper: str, reference: str) -> None:
        """Keep it no longer; nothing where it is not there."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A payer at a gateway. name: the gateway's for the payer. consent_time: when the payer first agreed to it."""

    payer: str
    gateway: str
    name: str
    consent_time: datetime


class Keepers(Protocol):
    """Which gateways keep something for a payer."""

    async def of(self, payer: str) -> Sequence[Keeper]:
        """By gateway."""

    async def add(self, keeper: Keeper) -> Keeper:
        """The one that is there now: the first stays."""


@dataclass(frozen=True, slots=True)
class Held:
    """A saved method with where it is kept."""

    keeper: Keeper
    method: SavedMethod

    @property
    def name(self) -> str:
        """`users/{user}/savedPaymentMethods/{id}`: the same for the same one, and telling nothing of it."""
        told = f"{self.keeper.gateway}|{self.method.reference}"
        id = hashlib.sha256(told.encode()).hexdigest()[:26].translate(LETTERS)
        return f"{self.keeper.payer}/savedPaymentMethods/{id}"

    @property
    def token(self) -> str:
        """What a payment is confirmed with; see `parted`."""
        return f"{PREFIX}{self.keeper.name}:{self.method.reference}"


def parted(token: str) -> tuple[str, str]:
    """The gateway's name for the payer, "" for a token that is not of a saved method, and what the gateway gets."""
    if not token.startswith(PREFIX):
        return "", token
    _, keeper, reference = token.split(":", 2)
    return keeper, reference
