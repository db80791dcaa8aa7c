"""Have a gateway keep a way to pay for a payer who agrees to it."""

import hashlib

from domain_kit.clock import Clock
from domain_kit.refusals import FailedPrecondition
from domain_kit.repository import Cause
from payment_service.domain.card_numbers import refuse_card_number
from payment_service.domain.ports import Gateways
from payment_service.domain.saved_methods import Held, Keeper, Keepers, Saving


async def save_method(
    keepers: Keepers,
    gateways: Gateways,
    payer: str,
    gateway: str,
    token: str,
    *,
    consent: bool,
    cause: Cause,
    clock: Clock,
) -> tuple[Keeper, Saving]:
    """Where it is kept, and how it ended. FailedPrecondition CONSENT_REQUIRED, SAVING_NOT_TAKEN; Unavailable.

    The consent is written down before the gateway hears of anything; the same cause saves it once.
    """
    refuse_card_number(token, "payment_method")
    if not consent:
        raise FailedPrecondition("CONSENT_REQUIRED", "Nothing is kept for a payer who has not agreed to it.")
    there = gateways.named(gateway)
    known = {each.gateway: each for each in await keepers.of(payer)}
    if gateway not in known:
        known[gateway] = await keepers.add(Keeper(payer, gateway, await there.keeper(payer), clock()))
    keeper = known[gateway]
    id = hashlib.sha256(cause.key.encode()).hexdigest()[:32]
    return keeper, await there.save(keeper.name, token, id=id, return_uri=gateways.return_uri)


def name_of(keeper: Keeper, saving: Saving) -> str:
    """Of what was saved; "" where nothing was."""
    return Held(keeper, saving.method).name if saving.method is not None else ""
