"""Everything is killed at once, engines too, and started again."""

import asyncio

import pytest

from local_stack.mail_folder import caught
from local_stack.stack import Stack
from usher_cli.accounts import eventually
from usher_cli.api import Api

pytestmark = pytest.mark.timeout(300)


def test_after_a_power_cut_all_that_was_acknowledged_is_there(stack: Stack, api: Api, world) -> None:
    """INVARIANT: after kill -9 of everything all acknowledged data comes back, and nothing is sent twice."""
    journey = world.journey
    mails = {each.message_id: each.deliveries for each in caught(stack.mail())}
    asyncio.run(stack.kill(*stack.state().processes))
    asyncio.run(stack.up())
    booking = api.get(f"/v1/{journey.booking['name']}", token=journey.buyer_token)
    assert [each["code"] for each in booking["tickets"]] == [each["code"] for each in journey.booking["tickets"]]
    payment = api.get(f"/v1/{journey.payment['name']}", token=journey.buyer_token)
    assert payment["state"] == "PAYMENT_STATE_SUCCEEDED"
    query = {"query": journey.mark}

    def found() -> bool | None:
        return any(hit["event"] == journey.event for hit in api.get("/v1/events:search", query=query)["hits"]) or None

    eventually(found, seconds=60, what="the event in the search, which healed itself")

    def counted() -> bool | None:
        sales = api.get(
            f"/v1/{journey.organizer}/sales:query", token=journey.owner_token, query={"event": journey.event}
        )
        return [each["ticketsSold"] for each in sales["totals"]] == [str(journey.quantity)] or None

    eventually(counted, seconds=60, what="the sale in the figures")
    again = {each.message_id: each.deliveries for each in caught(stack.mail())}
    assert {name: again[name] for name in mails} == mails
