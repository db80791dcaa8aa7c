"""One trace and one correlation id from a call through gateway, services, outbox and Kafka to the mail."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from domain_kit.backbone import InboxEvent
from domain_kit.ids import new_id
from event_backbone import KafkaBroker
from event_backbone.records import decode_event, decode_refill
from local_stack.lifecycle import log_of
from local_stack.platform_processes import SERVICES, Traces
from local_stack.stack import Stack
from testkit.traces import ReceivedSpan, trace_collector
from testkit.traces import Traces as Received
from usher_cli.accounts import eventually
from usher_cli.api import Api
from usher_cli.journey import STEPS, Journey, tickets_are_mailed

pytestmark = pytest.mark.timeout(300)

FROM_OUTSIDE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PAYING = [
    ("gateway", "POST"),
    ("payment", "usher.payment.v1.PaymentService/ConfirmPayment"),
    ("payment", "send usher.payment.v1"),
    ("booking", "process PaymentSucceeded"),
    ("booking", "send usher.booking.v1"),
    ("notification", "process BookingConfirmed"),
    ("notification", "send mail"),
]


class Answers:
    """What the gateway answered: (method, path, request id), in order."""

    def __init__(self, api: Api) -> None:
        self.all: list[tuple[str, str, str]] = []
        api.client.event_hooks["response"].append(self._note)
        api.client.headers["traceparent"] = FROM_OUTSIDE

    def last(self, path_ends: str) -> str:
        """The request id of the last call of such a path."""
        return next(id for _, path, id in reversed(self.all) if path.endswith(path_ends))

    def _note(self, response: httpx.Response) -> None:
        self.all.append((response.request.method, response.request.url.path, response.headers["x-request-id"]))


@pytest.fixture(scope="module")
def traced(stack: Stack) -> Iterator[Received]:
    """The stack with every request traced and all of its log, and as it was afterwards."""
    restarted = (*SERVICES, "gateway")
    with trace_collector() as received:
        asyncio.run(stack.kill(*restarted))
        loud = {name: {"USHER_LOG_LEVEL": "DEBUG"} for name in SERVICES}
        asyncio.run(stack.up(traces=Traces(received.endpoint), environment=loud))
        yield received
        asyncio.run(stack.kill(*restarted))
    asyncio.run(stack.up())


@pytest.fixture(scope="module")
def journey(traced: Received, stack: Stack) -> Iterator[tuple[Journey, Answers]]:
    """From two registrations to the tickets in the mail."""
    with Api(stack.url(), patience_seconds=60) as api:
        answers = Answers(api)
        journey = Journey(api, stack.mail())
        for step in STEPS[: STEPS.index(tickets_are_mailed) + 1]:
            step(journey)
        yield journey, answers


def way_to(span: ReceivedSpan, spans: Sequence[ReceivedSpan]) -> list[ReceivedSpan]:
    """From the first span of its trace to this one; starts too late where a parent has not arrived."""
    by_id = {each.id: each for each in spans if each.trace == span.trace}
    way = [span]
    while way[0].parent in by_id:
        way.insert(0, by_id[way[0].parent])
    return way


def mailed(template: str) -> Callable[[Sequence[ReceivedSpan]], list[list[ReceivedSpan]]]:
    """Finds the ways to mails of a template."""

    def found(spans: Sequence[ReceivedSpan]) -> list[list[ReceivedSpan]]:
        ends = [each for each in spans if each.name == "send mail" and each.attributes["template"] == template]
        return [way for way in (way_to(each, spans) for each in ends) if not way[0].parent]

    return found


def named(way: Sequence[ReceivedSpan]) -> list[tuple[str, str]]:
    return [(each.service, "POST" if each.service == "gateway" else each.name) for each in way]


def test_a_payment_is_one_trace_from_the_call_to_the_mail(traced: Received, journey: tuple[Journey, Answers]) -> None:
    way = traced.when(mailed("booking_confirmed"))[-1]
    assert named(way) == PAYING
    assert way[0].attributes["guid:x-request-id"] == journey[1].last(":confirm")
    assert [each.kind for each in way] == [2, 2, 4, 5, 4, 5, 3], "server, server, producer, consumer, …, client"
    assert len({each.trace for each in way}) == 1


def test_a_registration_is_one_trace_from_the_call_to_the_mail(
    traced: Received, journey: tuple[Journey, Answers]
) -> None:
    way = traced.when(mailed("email_verification"))[-1]
    assert named(way) == [
        ("gateway", "POST"),
        ("user", "usher.user.v1.UserService/RegisterUser"),
        ("user", "send usher.user.v1"),
        ("notification", "process EmailVerificationRequested"),
        ("notification", "send mail"),
    ]


def test_a_call_between_services_is_in_the_trace_of_who_calls(
    traced: Received, journey: tuple[Journey, Answers]
) -> None:
    def asked(spans: Sequence[ReceivedSpan]) -> list[list[tuple[str, str]]]:
        ends = [each for each in spans if each.service == "booking" and each.name.endswith("/GetBooking")]
        ways = [way_to(each, spans) for each in ends]
        return [
            named(way) for way in ways if ("payment", "usher.payment.v1.PaymentService/CreatePayment") in named(way)
        ]

    name = "usher.booking.v1.BookingService/GetBooking"
    way = traced.when(asked)[-1]
    assert way[2:] == [("payment", name), ("booking", name)]


def test_a_booking_is_in_the_trace_of_its_call(traced: Received, journey: tuple[Journey, Answers]) -> None:
    def held(spans: Sequence[ReceivedSpan]) -> list[list[ReceivedSpan]]:
        ends = [each for each in spans if each.name == "usher.booking.v1.BookingService/CreateBooking"]
        return [way_to(each, spans) for each in ends]

    assert named(traced.when(held)[-1])[0] == ("gateway", "POST")


def test_nobody_outside_decides_what_is_traced(traced: Received, journey: tuple[Journey, Answers]) -> None:
    """All calls of the journey came with a sampled traceparent; one with a decision of its own is in test_traces of
    deploy/envoy.
    """
    assert FROM_OUTSIDE.split("-")[1] not in {each.trace for each in traced.spans}


def test_spans_hold_no_query_and_no_address_of_a_person(traced: Received, journey: tuple[Journey, Answers]) -> None:
    values = [value for span in traced.spans for value in span.attributes.values()]
    assert any("/v1/events:search" in value for value in values)
    assert [value for value in values if "radiusMeters" in value or "@example.org" in value] == []


def test_one_request_id_is_in_the_reply_in_each_log_and_in_the_domain_events(
    traced: Received, journey: tuple[Journey, Answers], stack: Stack
) -> None:
    paid = journey[1].last(":confirm")
    logs = eventually(lambda: with_id(stack, paid), seconds=30, what="the request in the logs of all it passed")
    rpcs = {line["rpc"] for line in logs["payment"] if "rpc" in line}
    assert rpcs == {"usher.payment.v1.PaymentService/ConfirmPayment"}
    assert {line["trace_id"] for name in ("payment", "booking", "notification") for line in logs[name]} == {
        traced.when(mailed("booking_confirmed"))[-1][0].trace
    }
    events = asyncio.run(on_kafka(stack))
    ours = {event.type.rpartition(".")[2] for event in events if event.correlation_id == paid}
    assert ours >= {"PaymentSucceeded", "BookingConfirmed", "NotificationQueued", "NotificationDelivered"}
    assert [event.type for event in events if not event.correlation_id] == [], "each domain event has one"


def with_id(stack: Stack, correlation_id: str) -> Mapping[str, list[dict[str, Any]]] | None:
    """Lines of the logs, once the gateway and the three services that work on a payment have some."""
    places = {"gateway": stack.folder / "logs" / "access.log"}
    places |= {name: log_of(stack.folder, name) for name in ("payment", "booking", "notification")}
    found = {
        name: [json.loads(line) for line in log.read_text().splitlines() if f'"{correlation_id}"' in line]
        for name, log in places.items()
    }
    return found if all(found.values()) else None


async def on_kafka(stack: Stack) -> list[InboxEvent]:
    """Every domain event of the stack, from the beginning."""
    broker = KafkaBroker(f"127.0.0.1:{stack.state().ports['kafka']}")
    topics = [f"usher.{name}.v1" for name in ("user", "event", "booking", "payment", "notification")]
    events: list[InboxEvent] = []
    async with broker.reader(f"test.{new_id()}", topics) as reader:
        while await reader.lag() or not events:
            for record in await reader.read(2.0, 500):
                if decode_refill(record) is None:
                    events.append(decode_event(record))
    return events
