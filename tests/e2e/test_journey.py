"""The main journey: over JSON, over gRPC, and with any service killed in the middle of it."""

import asyncio
import threading
from collections.abc import Callable

import httpx
import pytest

from local_stack.mail_folder import caught
from local_stack.platform_processes import SERVICES
from local_stack.stack import Stack
from usher_cli.api import Api
from usher_cli.grpc_api import GrpcApi
from usher_cli.journey import STEPS, Journey, second_card_pays

pytestmark = pytest.mark.timeout(300)


def travel(journey: Journey, around: Callable[[Callable[[Journey], None]], None] | None = None) -> None:
    for step in STEPS:
        if around and step is second_card_pays:
            around(step)
        else:
            step(journey)


def check_the_outcome(journey: Journey, stack: Stack) -> None:
    """INVARIANT: one charge for what was owed, one ticket mail, figures equal to the booking."""
    sandbox = f"http://127.0.0.1:{stack.state().ports['sandbox']}"
    reference = journey.payment["gatewayReference"]
    answer = httpx.get(f"{sandbox}/_sandbox/charges", params={"payment_intent": reference}).json()
    charges = [each for each in answer["charges"] if each["paid"]]
    owed = journey.price_units * journey.quantity
    assert [(each["amount"], each["currency"]) for each in charges] == [(owed * 100, "eur")]
    mine = [each for each in caught(stack.mail()) if journey.buyer.email in str(each.recipients)]
    mails = [each for each in mine if "event.ics" in each.attachments]
    assert len(mails) == 1
    assert len([name for name in mails[0].attachments if name.endswith(".png")]) == journey.quantity
    [total] = journey.sales["totals"]
    assert (total["bookingsConfirmed"], total["ticketsSold"], total["ticketsCheckedIn"]) == (
        "1",
        str(journey.quantity),
        "1",
    )
    assert (total["gross"]["units"], total["net"]["units"]) == (str(owed), str(owed))


def test_the_journey_over_json(stack: Stack, api: Api) -> None:
    journey = Journey(api, stack.mail())
    travel(journey)
    check_the_outcome(journey, stack)


def test_the_journey_over_grpc(stack: Stack) -> None:
    with GrpcApi(stack.url().removeprefix("http://")) as api:
        journey = Journey(api, stack.mail())  # type: ignore[arg-type]  # it answers the same calls
        travel(journey)
    check_the_outcome(journey, stack)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_killed_in_the_middle_loses_nothing(service: str, stack: Stack) -> None:
    """Killed with signal 9 while the card is charged, and started again: the journey completes as if nothing was."""
    with Api(stack.url(), patience_seconds=40) as api:
        journey = Journey(api, stack.mail())

        def while_it_dies(step: Callable[[Journey], None]) -> None:
            failures: list[BaseException] = []

            def run() -> None:
                try:
                    step(journey)
                except BaseException as failure:
                    failures.append(failure)

            paying = threading.Thread(target=run)
            paying.start()
            asyncio.run(stack.kill(service))
            asyncio.run(stack.up())
            paying.join(timeout=90)
            assert not paying.is_alive()
            if failures:
                raise failures[0]

        travel(journey, while_it_dies)
    check_the_outcome(journey, stack)
