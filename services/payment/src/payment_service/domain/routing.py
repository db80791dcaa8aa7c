"""Which gateway is to be paid through: all ways to pay, best first, each with its reasons."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, InvalidArgument, Refusal
from payment_service.domain.capabilities import Capabilities, Method
from payment_service.domain.gateways import MethodKind
from payment_service.domain.payment_settings import NO_SETTINGS, PaymentSettings

KINDS = (MethodKind.TOKEN, MethodKind.REDIRECT, MethodKind.QR_CODE, MethodKind.INSTRUCTIONS)
NO_PRIORITY = 100


@dataclass(frozen=True, slots=True)
class Health:
    """Of late. success_rate: 0 to 1, of `calls`; breaker: "closed", "half-open" or "open"."""

    success_rate: float = 1.0
    calls: int = 0
    breaker: str = "closed"

    @property
    def grade(self) -> int:
        """0 well, 1 ailing, 2 failing; few calls prove nothing."""
        if self.calls < 5 or self.success_rate >= 0.9:
            return 0
        return 1 if self.success_rate >= 0.5 else 2


@dataclass(frozen=True, slots=True)
class Offer:
    """A gateway that could be used. priority: the platform's own, the lower first."""

    can: Capabilities
    health: Health = Health()
    priority: int = NO_PRIORITY

    @property
    def gateway(self) -> str:
        """Its name."""
        return self.can.gateway


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be paid, and what the payer wants. Empty: unknown, or no wish."""

    amount: Money
    country: str = ""
    method: str = ""
    gateway: str = ""
    reserve: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to pay: a method at a gateway, what it costs the organizer, and why it stands where it does."""

    gateway: str
    method: str
    kind: MethodKind
    fee: Money
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """candidates: best first. left_out: gateway → why it cannot be used. reserve: the money is only to be reserved.

    not_taken: the currency, where it is none that any gateway takes, whatever the method and the payer.
    """

    candidates: tuple[Candidate, ...]
    left_out: tuple[tuple[str, Refusal], ...] = ()
    reserve: bool = False
    not_taken: str = ""

    def without(self, gateway: str, method: str) -> "Ranking":
        """What is left when that gateway has failed; those that take the same method first, and nothing by hand: that
        is for the payer to choose.
        """
        left = [e for e in self.candidates if e.gateway != gateway and e.kind is not MethodKind.INSTRUCTIONS]
        return replace(self, candidates=tuple(sorted(left, key=lambda each: each.method != method)))

    def only(self, gateway: str, method: str) -> "Ranking":
        """That way to pay alone."""
        same = (each for each in self.candidates if (each.gateway, each.method) == (gateway, method))
        return replace(self, candidates=tuple(same))

    def first(self) -> Candidate:
        """The best; where there is none InvalidArgument AMOUNT_NOT_CHARGEABLE, FailedPrecondition CURRENCY_NOT_TAKEN,
        NO_GATEWAY.
        """
        if self.candidates:
            return self.candidates[0]
        if self.not_taken:
            what = f"No way to pay takes {self.not_taken}; book in another currency that the event offers."
            raise FailedPrecondition("CURRENCY_NOT_TAKEN", what, metadata={"currency_code": self.not_taken})
        for _, refusal in self.left_out:
            if refusal.reason == "AMOUNT_NOT_CHARGEABLE":
                raise refusal
        why = "; ".join(f"{gateway}: {refusal.message}" for gateway, refusal in self.left_out)
        raise FailedPrecondition("NO_GATEWAY", "There is no way to pay this.", metadata={"gateways": why[:900]})


# A criterion: the lower the better, and the words for it ("" where there is nothing to say).
Criterion = Callable[[Offer, Method, Wish, PaymentSettings], tuple[float, str]]


def rank(offers: Sequence[Offer], wish: Wish, settings: PaymentSettings = NO_SETTINGS) -> Ranking:
    """Every gateway that can take it, by these in turn: breaker, the payer's wish, the organizer's order, a method of
    the payer's country, the platform's priority, how it is paid, success of late, fee, name.
    """
    ranked: list[tuple[tuple[object, ...], Candidate]] = []
    left_out: list[tuple[str, Refusal]] = []
    wish = replace(wish, reserve=settings.reserve)
    for offer in offers:
        refusal = _unusable(offer, wish, settings)
        if refusal is not None:
            left_out.append((offer.gateway, refusal))
            continue
        for method in _methods(offer, wish):
            judged = [criterion(offer, method, wish, settings) for criterion in CRITERIA]
            fee = offer.can.fee_of(wish.amount)
            reasons = (*(words for _, words in judged if words), f"fee {fee}")
            place = (*(value for value, _ in judged), fee.minor_units, offer.gateway, _habit(method), method.name)
            ranked.append((place, Candidate(offer.gateway, method.name, method.kind, fee, reasons)))
    ranked.sort(key=lambda each: each[0])
    currency = wish.amount.currency
    not_taken = "" if any(currency in offer.can.currencies for offer in offers) else currency
    return Ranking(tuple(candidate for _, candidate in ranked), tuple(left_out), settings.reserve, not_taken)


def currencies(offers: Sequence[Offer], settings: PaymentSettings = NO_SETTINGS) -> list[str]:
    """Those that some payer can pay an organizer in, by whatever method, from wherever; in order of the alphabet."""
    used = [offer.can for offer in offers if _unused(offer, settings, reserve=settings.reserve) is None]
    taken = ((can, method, code) for can in used for method in can.methods for code in can.currencies)
    return sorted({code for can, method, code in taken if can.takes(method, code)})


def _unused(offer: Offer, settings: PaymentSettings, *, reserve: bool) -> Refusal | None:
    if settings.pinned and offer.gateway != settings.pinned:
        return _no("NOT_PINNED", "the organizer takes money through another gateway only")
    if offer.gateway in settings.excluded:
        return _no("EXCLUDED", "the organizer does not use it")
    if reserve and not offer.can.capture_days:
        return _no("CANNOT_RESERVE", "it cannot reserve money")
    return None


def _unusable(offer: Offer, wish: Wish, settings: PaymentSettings) -> Refusal | None:
    unused = _unused(offer, settings, reserve=wish.reserve)
    if unused is not None:
        return unused
    if not _methods(offer, wish):
        what = f"{wish.amount.currency} by {wish.method or 'any method'} from {wish.country or 'anywhere'}"
        return _no("NOT_TAKEN", f"it does not take {what}")
    try:
        offer.can.gateway_units(wish.amount)
    except InvalidArgument as refusal:
        return refusal
    return None


def _no(reason: str, why: str) -> FailedPrecondition:
    return FailedPrecondition(reason, why)


def _methods(offer: Offer, wish: Wish) -> list[Method]:
    taken = [m for m in offer.can.methods.values() if offer.can.takes(m.name, wish.amount.currency, wish.country)]
    return [method for method in taken if wish.method in ("", method.name)]


def _breaker(offer: Offer, _m: Method, _w: Wish, _s: PaymentSettings) -> tuple[float, str]:
    state = offer.health.breaker
    return (1, "it has been failing and is left alone") if state == "open" else (0, "")


def _payers_wish(offer: Offer, _m: Method, wish: Wish, _s: PaymentSettings) -> tuple[float, str]:
    if not wish.gateway:
        return 0, ""
    return (0, "the payer's choice") if wish.gateway == offer.gateway else (1, "")


def _organizers_order(offer: Offer, _m: Method, _w: Wish, settings: PaymentSettings) -> tuple[float, str]:
    if settings.pinned == offer.gateway:
        return 0, "pinned by the organizer"
    if offer.gateway in settings.order:
        place = settings.order.index(offer.gateway)
        return place, f"number {place + 1} of the organizer"
    return len(settings.order), ""


def _of_the_country(_o: Offer, method: Method, wish: Wish, _s: PaymentSettings) -> tuple[float, str]:
    local = bool(wish.country) and wish.country in method.countries
    return (0, f"made for payers in {wish.country}") if local else (1, "")


def _priority(offer: Offer, _m: Method, _w: Wish, _s: PaymentSettings) -> tuple[float, str]:
    return offer.priority, "" if offer.priority == NO_PRIORITY else "the platform's choice"


def _kind(_o: Offer, method: Method, _w: Wish, _s: PaymentSettings) -> tuple[float, str]:
    return KINDS.index(method.kind), ""


def _success(offer: Offer, _m: Method, _w: Wish, _s: PaymentSettings) -> tuple[float, str]:
    health = offer.health
    return health.grade, f"{health.success_rate:.0%} of {health.calls} calls went well" if health.calls else ""


def _habit(method: Method) -> int:
    """Of one gateway's methods of one kind, cards come first: most payers have one."""
    return 0 if method.name == "card" else 1


CRITERIA: Sequence[Criterion] = (
    _breaker, _payers_wish, _organizers_order, _of_the_country, _priority, _kind, _success,
)  # fmt: skip
