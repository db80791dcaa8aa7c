"""What a payer's saved ways to pay are: asked of the gateways that keep them."""

from collections.abc import Sequence

from domain_kit.refusals import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unavailable
from payment_service.domain.ports import Gateways, PaymentRepository
from payment_service.domain.saved_methods import PREFIX, Held, Keepers


async def list_saved(keepers: Keepers, gateways: Gateways, payer: str) -> tuple[Sequence[Held], Sequence[str]]:
    """All that are kept, and the gateways that do not answer."""
    found: list[Held] = []
    silent: list[str] = []
    for keeper in await keepers.of(payer):
        try:
            found += [Held(keeper, each) for each in await gateways.named(keeper.gateway).saved(keeper.name)]
        except Unavailable:
            silent.append(keeper.gateway)
    return found, silent


async def remove_saved(keepers: Keepers, gateways: Gateways, name: str) -> None:
    """Have it kept no longer; nothing where it is not there. Unavailable: ask again."""
    held = await _held(keepers, gateways, name)
    if held is not None:
        await gateways.named(held.keeper.gateway).forget(held.keeper.name, held.method.reference)


async def token_of(keepers: Keepers, gateways: Gateways, payments: PaymentRepository, name: str, given: str) -> str:
    """What to confirm that payment with: of a saved method's name its token, of anything else just that.

    PermissionDenied NOT_THE_BUYER; NotFound; FailedPrecondition SAVED_ELSEWHERE; InvalidArgument TOKEN_INVALID.
    """
    if given.startswith(PREFIX):
        raise InvalidArgument.of("payment_method", "is no token of a gateway.", reason="TOKEN_INVALID")
    if "/savedPaymentMethods/" not in given:
        return given
    payment = await payments.get(name)
    if not given.startswith(f"{payment.payer}/"):
        raise PermissionDenied("NOT_THE_BUYER", "This is saved for somebody else.", metadata={"resource": given})
    held = await _held(keepers, gateways, given)
    if held is None:
        raise NotFound.named(given)
    gateway = held.keeper.gateway
    if gateway != payment.current.gateway:
        why = f"It is saved at {gateway}; create the payment with that as its preferred gateway."
        raise FailedPrecondition("SAVED_ELSEWHERE", why, metadata={"gateway": gateway})
    return held.token


async def _held(keepers: Keepers, gateways: Gateways, name: str) -> Held | None:
    found, silent = await list_saved(keepers, gateways, "/".join(name.split("/")[:2]))
    held = next((each for each in found if each.name == name), None)
    if held is None and silent:
        raise Unavailable("GATEWAY_UNAVAILABLE", f"{silent[0]} does not answer; ask again.")
    return held
