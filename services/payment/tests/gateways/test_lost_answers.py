"""The answer to any request of any call is lost after the gateway has acted; asked again, everything happened once."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from domain_kit.money import Money
from domain_kit.refusals import Unavailable
from payment_service.domain.gateways import Intent, IntentState, MethodKind, Order, Progress
from payment_service.outbound.capability_files import capabilities_of

pytestmark = pytest.mark.timeout(120)
GATEWAYS = sorted(path.stem.removeprefix("hands_") for path in Path(__file__).parent.glob("hands_*.py"))
MOST_REQUESTS = 8
# (gateway, call) that asks nothing: of an order before there is a token, or of refunds that only webhooks tell of.
ASKS_NOTHING = {
    ("adyen", "create"), ("mercadopago", "create"), ("square", "create"), ("adyen", "cancel"),
    ("adyen", "retrieve refunds"),
}  # fmt: skip
RESERVES_NOTHING = frozenset({"alipay", "wechat"})
# Paid as soon as the payer agrees on the gateway's page.
CONFIRMS_NOTHING = frozenset({"alipay", "wechat"})


@dataclass
class Scene:
    """An order at a gateway, and where it stands."""

    far: Any
    order: Order
    intent: Intent
    refunded_before: int = 0
    lost: bool = False
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def half(self) -> Money:
        """What is paid back, so that it could be paid back twice. Sandboxes make something of odd cents."""
        return Money(self.order.amount.minor_units // 2 // 100 * 100, self.order.amount.currency)

    async def refunded(self) -> int:
        """Minor units by the gateway's books, since the scene began."""
        return await refunded(self.far) - self.refunded_before


async def refunded(far: Any) -> int:
    totals = (await far.control("totals"))["currencies"].get(far.amount.currency, {})
    return int(totals.get("refunded", 0))


async def wanted(far: Any) -> Scene:
    order = far.order()
    return Scene(far, order, Intent("", IntentState.OPEN))


async def begun(far: Any, **fields: Any) -> Scene:
    return Scene(far, *await far.begun(**fields))


async def agreed(far: Any, **fields: Any) -> Scene:
    """The payer has said yes, and nothing was taken yet where it is we who take it."""
    scene = await begun(far, **fields)
    scene.order = await far.agreed(scene.order, scene.intent)

    async def heard() -> bool:
        found = await far.gateway.find(scene.order, scene.intent.reference)
        return found is not None and found.state not in (IntentState.OPEN, IntentState.ACTION_REQUIRED)

    if far.kind is not MethodKind.TOKEN:
        await far.until(heard)
    return scene


async def reserved(far: Any) -> Scene:
    scene = await agreed(far, capture=False)
    scene.intent = await far.gateway.confirm(scene.order, scene.intent.reference)
    assert scene.intent.state is IntentState.AUTHORIZED, scene.intent
    return scene


async def paid(far: Any) -> Scene:
    before = await refunded(far)
    return Scene(far, *await far.paid(), refunded_before=before)


async def paid_back(far: Any) -> Scene:
    scene = await paid(far)
    await refund(scene)
    return scene


async def create(on: Scene) -> None:
    on.intent = await on.far.gateway.begin(on.order)


async def confirm(on: Scene) -> None:
    """As payment does: what became of an order whose answer was lost is asked for by its key alone."""
    if on.lost:
        with suppress(Unavailable):  # it may not know yet
            found = await on.far.gateway.find(on.order, "")
            if found is not None and found.state is IntentState.SUCCEEDED:
                on.intent = found
                return
    on.intent = await on.far.gateway.confirm(on.order, on.intent.reference)


async def capture(on: Scene) -> None:
    on.made["captured"] = await on.far.gateway.capture(on.order, on.intent.reference, on.order.amount)


async def cancel(on: Scene) -> None:
    on.made["end"] = await on.far.gateway.cancel(on.order, on.intent.reference)


async def refund(on: Scene) -> None:
    id = on.order.key[::-1]
    on.made[id] = await on.far.gateway.refund(on.order, on.intent.reference, on.half, id=id)


async def retrieve(on: Scene) -> None:
    on.made["found"] = await on.far.gateway.find(on.order, on.intent.reference)


async def retrieve_by_key(on: Scene) -> None:
    on.made["found"] = await on.far.gateway.find(on.order, "")


async def retrieve_refunds(on: Scene) -> None:
    id = on.order.key[::-1]
    on.made["refunds"] = await on.far.gateway.refunds_of(on.order, on.intent.reference, {id: on.made[id].reference})


async def is_payable_once(on: Scene) -> None:
    on.order = await on.far.agreed(on.order, on.intent)
    assert (await on.far.finish(on.order, on.intent)).state is IntentState.SUCCEEDED
    await is_charged_once(on)


async def is_charged_once(on: Scene) -> None:
    async def charged() -> bool:
        return await on.far.charges(on.order) == 1

    await on.far.until(charged)


async def is_captured_once(on: Scene) -> None:
    assert on.made["captured"].state in (IntentState.SUCCEEDED, IntentState.PROCESSING)
    await is_charged_once(on)


async def is_paid_once(on: Scene) -> None:
    if on.intent.state is not IntentState.SUCCEEDED:
        on.intent = await on.far.finish(on.order, on.intent)
    assert on.intent.state is IntentState.SUCCEEDED
    await is_charged_once(on)


async def is_found_paid(on: Scene) -> None:
    assert on.made["found"].state is IntentState.SUCCEEDED
    await is_charged_once(on)


async def is_over_for_good(on: Scene) -> None:
    assert on.made["end"].state is IntentState.CANCELLED
    again = await on.far.gateway.cancel(on.order, on.intent.reference)
    assert again.state is IntentState.CANCELLED
    assert await on.far.charges(on.order) == 0


async def is_paid_back_once(on: Scene) -> None:
    async def back() -> bool:
        return await on.refunded() == on.half.minor_units

    await on.far.until(back)
    await refund(on)
    assert on.made[on.order.key[::-1]].progress is not Progress.FAILED
    assert await on.refunded() == on.half.minor_units


@dataclass(frozen=True)
class Drill:
    """What stands before, the call whose answer is lost, and what holds once it was made again."""

    scene: Callable[[Any], Awaitable[Scene]]
    call: Callable[[Scene], Awaitable[None]]
    after: Callable[[Scene], Awaitable[None]]
    without: frozenset[str] = frozenset()


DRILLS: Mapping[str, Drill] = {
    "create": Drill(wanted, create, is_payable_once),
    "confirm": Drill(agreed, confirm, is_paid_once, CONFIRMS_NOTHING),
    "capture": Drill(reserved, capture, is_captured_once, RESERVES_NOTHING),
    "cancel": Drill(begun, cancel, is_over_for_good),
    "cancel what is reserved": Drill(reserved, cancel, is_over_for_good, RESERVES_NOTHING),
    "refund": Drill(paid, refund, is_paid_back_once),
    "retrieve": Drill(paid, retrieve, is_found_paid),
    "retrieve by the key": Drill(paid, retrieve_by_key, is_found_paid),
    "retrieve refunds": Drill(paid_back, retrieve_refunds, is_paid_back_once),
}
READS = {
    "retrieve",
    "retrieve by the key",
    "retrieve refunds",
}  # an HTTP client may repeat those by itself (RFC 9110, 9.2.2)
CELLS = [(gateway, call) for call, drill in DRILLS.items() for gateway in GATEWAYS if gateway not in drill.without]


@pytest.mark.parametrize(("quiet_far", "call"), CELLS, indirect=["quiet_far"])
async def test_a_call_whose_answer_is_lost_has_happened_once_when_it_is_made_again(quiet_far: Any, call: str) -> None:
    """INVARIANT: whichever request of a call the connection breaks at, money moves once."""
    far, drill, lost = quiet_far, DRILLS[call], 0
    for nth in range(1, MOST_REQUESTS + 1):
        scene = await drill.scene(far)
        await far.switch(drop_nth=nth)
        try:
            await drill.call(scene)
        except Unavailable:
            scene.lost = True
        harmed = not (await far.control("switches"))["drop_nth"]
        await far.switch(drop_nth=0)
        assert scene.lost == harmed or (harmed and call in READS), f"request {nth}"
        if scene.lost:
            await drill.call(scene)
        await drill.after(scene)
        if not harmed:
            break
        lost += 1
    else:
        pytest.fail(f"{call} makes more than {MOST_REQUESTS} requests")
    assert bool(lost) == ((far.name, call) not in ASKS_NOTHING)


def test_every_call_of_every_gateway_is_drilled() -> None:
    """All that move money or tell of it, at all eight, but for what a gateway does not have."""
    assert len(GATEWAYS) == 8
    assert {gateway for gateway in GATEWAYS if capabilities_of(gateway).capture_days == 0} == RESERVES_NOTHING
    assert len(CELLS) == len(DRILLS) * len(GATEWAYS) - 2 * len(RESERVES_NOTHING) - len(CONFIRMS_NOTHING)
    assert [each for each in ASKS_NOTHING if each not in CELLS] == []
