"""The event service called as clients call it: through every interceptor, on a real store."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.money_pb2 import Money

from access import Role
from domain_kit.ids import new_id
from domain_kit.refusals import Aborted, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied
from testkit.calls import Calls
from usher.event.v1 import event_pb2, ticket_type_pb2
from usher.event.v1 import event_service_pb2 as pb
from usher.event.v1.event_service_pb2_grpc import EventServiceStub

START = datetime.now(UTC).replace(microsecond=0) + timedelta(days=60)
ORGANIZER = f"organizers/{new_id()}"
USER = f"users/{new_id()}"


def details(**change: object) -> event_pb2.Event:
    event = event_pb2.Event(organizer=ORGANIZER, title="PyCon", time_zone="America/Toronto", category="python")
    event.start_time.FromDatetime(START)
    event.end_time.FromDatetime(START + timedelta(days=2))
    event.venue.display_name = "Hall"
    event.MergeFrom(event_pb2.Event(**change))  # type: ignore[arg-type]
    return event


class Organizer:
    """What a manager of the organizer does."""

    def __init__(self, calls: Calls, role: Role = Role.MANAGER) -> None:
        self.stub = EventServiceStub(calls.channel)
        self.metadata = calls.bearer(USER, {ORGANIZER: role})

    async def draft(self, **change: object) -> event_pb2.Event:
        return await self.stub.CreateEvent(pb.CreateEventRequest(event=details(**change)), metadata=self.metadata)

    async def sellable(self, capacity: int = 50) -> event_pb2.Event:
        event = await self.draft()
        pool = await self.stub.CreateCapacityPool(
            pb.CreateCapacityPoolRequest(
                parent=event.name,
                capacity_pool=ticket_type_pb2.CapacityPool(display_name="Hall", capacity=capacity),
            ),
            metadata=self.metadata,
        )
        await self.stub.CreateTicketType(
            pb.CreateTicketTypeRequest(
                parent=event.name,
                ticket_type=ticket_type_pb2.TicketType(
                    display_name="Standard",
                    price=Money(currency_code="CAD", units=19, nanos=990_000_000),
                    capacity_pools=[pool.name],
                ),
            ),
            metadata=self.metadata,
        )
        return event

    async def published(self) -> event_pb2.Event:
        event = await self.sellable()
        return await self.stub.PublishEvent(pb.PublishEventRequest(name=event.name), metadata=self.metadata)

    async def imported(self, lines: list[object], **fields: object) -> list[pb.ImportEventsResponse]:
        text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
        request = pb.ImportEventsRequest(parent=ORGANIZER, json_lines=text, **fields)  # type: ignore[arg-type]
        return [each async for each in self.stub.ImportEvents(request, metadata=self.metadata)]


@pytest.fixture
def organizer(calls: Calls) -> Organizer:
    return Organizer(calls)


async def test_a_draft_is_hidden_from_the_public_until_it_is_published(calls: Calls, organizer: Organizer) -> None:
    public = EventServiceStub(calls.channel)
    event = await organizer.sellable()
    with pytest.raises(NotFound):
        await public.GetEvent(pb.GetEventRequest(name=event.name))
    await organizer.stub.PublishEvent(pb.PublishEventRequest(name=event.name), metadata=organizer.metadata)
    seen = await public.GetEvent(pb.GetEventRequest(name=event.name))
    assert (seen.title, seen.state) == ("PyCon", event_pb2.EVENT_STATE_PUBLISHED)
    types = await public.ListTicketTypes(pb.ListTicketTypesRequest(parent=event.name))
    assert [(each.display_name, each.price.units) for each in types.ticket_types] == [("Standard", 19)]


async def test_an_update_changes_only_what_the_mask_says(organizer: Organizer) -> None:
    event = await organizer.draft()
    changed = await organizer.stub.UpdateEvent(
        pb.UpdateEventRequest(
            event=event_pb2.Event(name=event.name, title="Other", description="ignored"),
            update_mask=FieldMask(paths=["title"]),
        ),
        metadata=organizer.metadata,
    )
    assert (changed.title, changed.description, changed.venue.display_name) == ("Other", "", "Hall")
    assert changed.etag != event.etag


async def test_a_stale_etag_is_refused_and_nothing_is_written(organizer: Organizer) -> None:
    event = await organizer.draft()
    request = pb.UpdateEventRequest(event=event_pb2.Event(name=event.name, title="First", etag=event.etag))
    await organizer.stub.UpdateEvent(request, metadata=organizer.metadata)
    request.event.title = "Second"
    with pytest.raises(Aborted) as caught:
        await organizer.stub.UpdateEvent(request, metadata=organizer.metadata)
    assert caught.value.reason == "ETAG_MISMATCH"
    now = await organizer.stub.GetEvent(pb.GetEventRequest(name=event.name), metadata=organizer.metadata)
    assert now.title == "First"


async def test_twenty_parallel_changes_of_one_event_all_count(organizer: Organizer) -> None:
    event = await organizer.draft()
    pools = [
        organizer.stub.CreateCapacityPool(
            pb.CreateCapacityPoolRequest(
                parent=event.name, capacity_pool=ticket_type_pb2.CapacityPool(display_name=f"P{n}", capacity=n)
            ),
            metadata=organizer.metadata,
        )
        for n in range(20)
    ]
    names = {pool.name for pool in await asyncio.gather(*pools)}
    listed = await organizer.stub.ListCapacityPools(
        pb.ListCapacityPoolsRequest(parent=event.name, page_size=15), metadata=organizer.metadata
    )
    rest = await organizer.stub.ListCapacityPools(
        pb.ListCapacityPoolsRequest(parent=event.name, page_size=15, page_token=listed.next_page_token),
        metadata=organizer.metadata,
    )
    assert {pool.name for pool in [*listed.capacity_pools, *rest.capacity_pools]} == names
    assert not rest.next_page_token


async def test_the_same_request_id_makes_one_event(organizer: Organizer) -> None:
    request = pb.CreateEventRequest(event=details(), request_id="once")
    first = await organizer.stub.CreateEvent(request, metadata=organizer.metadata)
    assert await organizer.stub.CreateEvent(request, metadata=organizer.metadata) == first
    request.event.title = "Another"
    with pytest.raises(InvalidArgument) as caught:
        await organizer.stub.CreateEvent(request, metadata=organizer.metadata)
    assert caught.value.reason == "REQUEST_ID_REUSED"


async def test_a_ticket_type_on_a_pool_of_another_event_is_refused(organizer: Organizer) -> None:
    ours, theirs = await organizer.sellable(), await organizer.sellable()
    pools = await organizer.stub.ListCapacityPools(
        pb.ListCapacityPoolsRequest(parent=theirs.name), metadata=organizer.metadata
    )
    with pytest.raises(InvalidArgument) as caught:
        await organizer.stub.CreateTicketType(
            pb.CreateTicketTypeRequest(
                parent=ours.name,
                ticket_type=ticket_type_pb2.TicketType(
                    display_name="X",
                    price=Money(currency_code="CAD", units=1),
                    capacity_pools=[pools.capacity_pools[0].name],
                ),
            ),
            metadata=organizer.metadata,
        )
    assert [violation.field for violation in caught.value.violations] == ["ticket_type.capacity_pools[0]"]


async def test_a_published_event_is_cancelled_before_it_is_deleted(calls: Calls, organizer: Organizer) -> None:
    event = await organizer.published()
    with pytest.raises(FailedPrecondition) as caught:
        await organizer.stub.DeleteEvent(pb.DeleteEventRequest(name=event.name), metadata=organizer.metadata)
    assert caught.value.reason == "EVENT_PUBLISHED"
    request = pb.CancelEventRequest(name=event.name, reason="rain")
    cancelled = await organizer.stub.CancelEvent(request, metadata=organizer.metadata)
    assert await organizer.stub.CancelEvent(request, metadata=organizer.metadata) == cancelled
    seen = await EventServiceStub(calls.channel).GetEvent(pb.GetEventRequest(name=event.name))
    assert (seen.state, seen.cancel_reason) == (event_pb2.EVENT_STATE_CANCELLED, "rain")
    await organizer.stub.DeleteEvent(pb.DeleteEventRequest(name=event.name), metadata=organizer.metadata)
    with pytest.raises(NotFound):
        await EventServiceStub(calls.channel).GetEvent(pb.GetEventRequest(name=event.name))


async def test_a_viewer_reads_drafts_and_changes_nothing(calls: Calls, organizer: Organizer) -> None:
    event = await organizer.draft()
    viewer = Organizer(calls, Role.VIEWER)
    listed = await viewer.stub.ListEvents(pb.ListEventsRequest(parent=ORGANIZER), metadata=viewer.metadata)
    assert [each.name for each in listed.events] == [event.name]
    with pytest.raises(PermissionDenied):
        await viewer.stub.PublishEvent(pb.PublishEventRequest(name=event.name), metadata=viewer.metadata)


async def test_listing_filters_orders_and_pages(organizer: Organizer) -> None:
    made = [await organizer.draft(title=f"E{n}") for n in range(5)]
    await organizer.stub.CancelEvent(pb.CancelEventRequest(name=made[0].name), metadata=organizer.metadata)
    request = pb.ListEventsRequest(
        parent=ORGANIZER, filter="state = EVENT_STATE_DRAFT", order_by="title", page_size=3
    )  # fmt: skip
    first = await organizer.stub.ListEvents(request, metadata=organizer.metadata)
    request.page_token = first.next_page_token
    second = await organizer.stub.ListEvents(request, metadata=organizer.metadata)
    assert [each.title for each in [*first.events, *second.events]] == ["E1", "E2", "E3", "E4"]
    request.filter = ""
    with pytest.raises(InvalidArgument) as caught:
        await organizer.stub.ListEvents(request, metadata=organizer.metadata)
    assert [violation.field for violation in caught.value.violations] == ["page_token"]


def line(title: str = "Imported", **change: object) -> dict[str, object]:
    event = {
        "title": title,
        "start_time": START.isoformat(),
        "end_time": (START + timedelta(days=1)).isoformat(),
        "time_zone": "Europe/Paris",
        "online": True,
    }
    return {
        "event": event | change,
        "capacity_pools": [{"id": "hall", "capacity_pool": {"display_name": "Hall", "capacity": 9}}],
        "ticket_types": [
            {
                "id": "standard",
                "ticket_type": {"display_name": "Standard", "price": {"currency_code": "EUR", "units": 10}},
                "capacity_pool_ids": ["hall"],
            }
        ],
    }


async def test_an_import_makes_all_events_and_a_repeat_makes_none_more(calls: Calls, organizer: Organizer) -> None:
    lines: list[object] = [line(f"Imported {n}") for n in range(450)]
    answers = await organizer.imported(lines, publish=True, request_id="import")
    assert [each.checked_count for each in answers] == [200, 400, 450, 450]
    done = answers[-1]
    assert (done.done, done.imported_count, list(done.errors)) == (True, 450, [])
    assert (await organizer.imported(lines, publish=True, request_id="import"))[-1].events == done.events
    seen = await EventServiceStub(calls.channel).GetEvent(pb.GetEventRequest(name=done.events[449]))
    assert (seen.title, seen.state) == ("Imported 449", event_pb2.EVENT_STATE_PUBLISHED)


async def test_an_import_that_is_refused_at_its_end_says_why_in_an_answer_too(organizer: Organizer) -> None:
    """Who calls over HTTP hears no status once there were answers."""
    await organizer.imported([line("one")], request_id="import")
    request = pb.ImportEventsRequest(parent=ORGANIZER, json_lines=json.dumps(line("other")), request_id="import")
    answers = []
    with pytest.raises(InvalidArgument, match="REQUEST_ID_REUSED"):
        async for each in organizer.stub.ImportEvents(request, metadata=organizer.metadata):
            answers.append(each)
    assert [(each.line, "request_id" in each.description) for each in answers[-1].errors] == [(0, True)]
    assert not answers[-1].done


async def test_one_wrong_line_and_nothing_is_written(organizer: Organizer) -> None:
    bad = line()
    bad["ticket_types"][0]["capacity_pool_ids"] = ["nowhere"]  # type: ignore[index]
    answers = await organizer.imported(
        [line(), "", "{broken", "[]", line(title=" "), line(time_zone="Mars/X"), line(bogus=1), bad, line()]
    )
    done = answers[-1]
    assert (done.total_count, done.imported_count, list(done.events)) == (8, 0, [])
    assert [(each.line, each.field) for each in done.errors] == [
        (3, ""),
        (4, ""),
        (5, "event.title"),
        (6, "event.time_zone"),
        (7, ""),
        (8, "ticket_types[0].capacity_pool_ids[0]"),
    ]
    listed = await organizer.stub.ListEvents(pb.ListEventsRequest(parent=ORGANIZER), metadata=organizer.metadata)
    assert not listed.events


async def test_a_dry_run_checks_and_writes_nothing(organizer: Organizer) -> None:
    done = (await organizer.imported([line()], validate_only=True))[-1]
    assert (done.done, done.imported_count, len(done.errors)) == (True, 0, 0)


@pytest.mark.parametrize(
    ("filter", "titles"),
    [
        ('category = "python"', ["A", "B"]),
        ('category != "python"', ["C", "D"]),
        ('category = ""', ["D"]),
        ('category = "python" AND category = "music"', []),
        ("state = EVENT_STATE_DRAFT AND state = EVENT_STATE_PUBLISHED", []),
        ("start_time >= 2001-01-01T00:00:00Z AND start_time >= 2000-01-01T00:00:00Z", ["A", "B", "C", "D"]),
        ("start_time >= 2999-01-01T00:00:00Z AND start_time >= 2000-01-01T00:00:00Z", []),
    ],
)
async def test_every_comparison_of_a_filter_counts(organizer: Organizer, filter: str, titles: list[str]) -> None:
    for title, category in (("A", "python"), ("B", "python"), ("C", "music"), ("D", "")):
        event = details(title=title)
        event.category = category
        await organizer.stub.CreateEvent(pb.CreateEventRequest(event=event), metadata=organizer.metadata)
    request = pb.ListEventsRequest(parent=ORGANIZER, filter=filter, order_by="title")
    listed = await organizer.stub.ListEvents(request, metadata=organizer.metadata)
    assert [each.title for each in listed.events] == titles


async def test_a_price_no_store_can_hold_is_refused(organizer: Organizer) -> None:
    event = await organizer.sellable()
    types = await organizer.stub.ListTicketTypes(
        pb.ListTicketTypesRequest(parent=event.name), metadata=organizer.metadata
    )
    changed = types.ticket_types[0]
    changed.price.units = 2**62
    with pytest.raises(InvalidArgument) as caught:
        await organizer.stub.UpdateTicketType(
            pb.UpdateTicketTypeRequest(ticket_type=changed), metadata=organizer.metadata
        )
    assert [each.field for each in caught.value.violations] == ["ticket_type.price"]


async def test_a_homepage_that_would_break_a_line_of_a_mail_is_refused(organizer: Organizer) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await organizer.draft(homepage_uri="https://usher.example\r\nATTENDEE:x")
    assert [each.field for each in caught.value.violations] == ["event.homepage_uri"]


@pytest.mark.parametrize(
    "broken",
    [
        '{"event": ' + "1" * 5000 + "}",
        '{"\\ud800": 1}',
        '{"event": {"state": "\\ud800"}}',
        '{"event": {"title": "\\ud800"}}',
        '{"event": ' + "[" * 5000,
        '{"event": {"tags": [' + '"a",' * 100_000 + '"a"]}}',
    ],
)
async def test_a_line_no_reader_expects_is_a_problem_of_that_line(organizer: Organizer, broken: str) -> None:
    done = (await organizer.imported([line(), broken]))[-1]
    assert (done.imported_count, [each.line for each in done.errors]) == (0, [2])


async def test_what_unicode_calls_a_line_separator_does_not_end_a_line(organizer: Organizer) -> None:
    text = json.dumps(line("one\u2028two\x85three"), ensure_ascii=False)
    done = (await organizer.imported([text]))[-1]
    assert (done.imported_count, list(done.errors)) == (1, [])


async def test_millions_of_empty_lines_are_refused_unread(organizer: Organizer) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await organizer.imported(["\n" * 1_000_000])
    assert [each.field for each in caught.value.violations] == ["json_lines"]


async def test_a_bound_that_is_met_exactly_belongs_to_the_answer(organizer: Organizer) -> None:
    await organizer.draft()
    at = START.isoformat().replace("+00:00", "Z")
    counts = {}
    for operator in ("<", "<=", "=", ">=", ">", "!="):
        request = pb.ListEventsRequest(parent=ORGANIZER, filter=f"start_time {operator} {at}")
        counts[operator] = len((await organizer.stub.ListEvents(request, metadata=organizer.metadata)).events)
    assert counts == {"<": 0, "<=": 1, "=": 1, ">=": 1, ">": 0, "!=": 0}
