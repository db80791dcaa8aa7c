"""The bench notices what it is there to notice."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime

import beside
import measures
import measuring
import pytest
import report
import sale
import tracing
import watching

from local_stack.platform_processes import SERVICES

SALE = sale.Sale("events/e", "events/e/ticketTypes/t", capacity=3)
HELD = ["events/e/bookings/1", "BOOKING_STATE_HELD"]
CONFIRMED = ["events/e/bookings/1", "BOOKING_STATE_CONFIRMED"]


def books(stored, *, places=None, taken=None, doubled=0):
    names = {f"events/e/bookings/{number}": state for number, state in stored.items()}
    places = len(names) if places is None else places
    return sale.Books(names, places, places if taken is None else taken, doubled)


def test_books_that_agree_with_what_was_acknowledged_are_fine():
    assert sale.violations(SALE, books({1: "CONFIRMED"}), [HELD, CONFIRMED], unanswered=0) == []
    assert sale.violations(SALE, books({1: "HELD", 2: "HELD"}), [HELD], unanswered=1) == []


@pytest.mark.parametrize(
    ("stored", "unanswered", "complaint"),
    [
        (books({}), 0, "not there"),
        (books({1: "EXPIRED"}, places=0), 0, "another state"),
        (books({1: "HELD", 2: "HELD"}), 0, "1 bookings acknowledged"),
        (books({1: "HELD"}, places=4), 0, "4 places given of 3"),
        (books({1: "HELD"}, taken=2), 0, "the inventory counts 2"),
        (books({1: "HELD"}, doubled=1), 0, "exist twice"),
    ],
)
def test_a_lost_oversold_or_doubled_booking_is_told(stored, unanswered, complaint):
    """INVARIANT: the bench fails when the database disagrees with what clients were told."""
    assert complaint in " ".join(sale.violations(SALE, stored, [HELD], unanswered))


def test_a_cancelled_booking_holds_no_place_and_one_of_another_sale_does_not_count():
    cancelled = ["events/e/bookings/1", "BOOKING_STATE_CANCELLED"]
    other = ["events/f/bookings/1", "BOOKING_STATE_HELD"]
    assert sale.violations(SALE, books({1: "CANCELLED"}, places=0), [HELD, cancelled, other], unanswered=0) == []
    told = sale.violations(SALE, books({1: "CONFIRMED"}), [HELD, CONFIRMED, cancelled], unanswered=0)
    assert "another state" in told[0]


def test_a_measure_says_whether_must_and_aim_are_met():
    def met(value, *, more=True):
        return measures.Measure("m", value, 0.5, 0.8 if more else 0.2, more).row()[-1]

    assert [met(value) for value in (0.4, 0.5, 0.8, None)] == ["**no**", "yes, not the aim", "yes", "–"]
    assert [met(value, more=False) for value in (0.6, 0.5, 0.2)] == ["**no**", "yes, not the aim", "yes"]


def test_a_delay_is_counted_to_the_first_message_that_tells_of_a_booking():
    created = ["2026-03-01T00:00:02Z", "2026-03-01T00:00:01Z", "2026-03-01T00:00:03Z"]
    second = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    seen = [(second, 10), (second + 1.5, 9), (second + 3.25, 7)]
    assert watching.delays(watching.decided(created), seen, 10) == [250_000, 500_000, 1_250_000]
    assert watching.delays(watching.decided(created), seen[:2], 10) == [-1, -1, 500_000]


async def test_a_watcher_sees_each_message_and_ends_at_once_when_nothing_comes():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for left in (5, 4):
            line = json.dumps({"ticketTypes": [{"remaining": left}]}).encode() + b"\n"
            writer.write(b"%x\r\n%s\r\n" % (len(line), line))
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)

    def watch() -> list[int]:
        with watching.watching(server.sockets[0].getsockname()[1], "events/e") as watcher:
            assert watcher.wait_for(4, 10.0)
        return [left for _, left in watcher.seen]

    async with server:
        assert await asyncio.wait_for(asyncio.to_thread(watch), 10) == [5, 4]


def test_ratios_are_medians_of_the_ratios_within_rounds():
    def rounds(name, clients, *speeds):
        return [measuring.Round(name, clients, 1.0, [1000] * speed, speed, {}, 0.0, None) for speed in speeds]

    both = [*rounds("empty rpc", 32, 100, 10, 50), *rounds("hold", 32, 20, 3, 5)]
    pairs = list(zip(both[:3], both[3:], strict=True))
    assert beside.ratio(pairs, lambda each: each.per_second) == pytest.approx(0.2)
    assert measures.of_rounds(both)[0].value == pytest.approx(0.2)


def test_a_commit_is_no_sooner_than_the_last_look_that_does_not_show_it():
    """INVARIANT: what is told of a watcher's delay is never less than it was."""
    commits = watching.Commits.__new__(watching.Commits)
    commits.looks = [(1.0, 5), (2.0, 5), (3.0, 7), (4.0, 7), (5.0, 8)]
    assert commits.moments() == [2.0, 2.0, 4.0]
    assert watching.delays(commits.moments(), [(2.5, 10), (2.75, 8), (5.5, 7)], 10) == [750_000, 750_000, 1_500_000]


def test_only_what_stands_between_the_markers_is_replaced():
    document = "before\n<!-- bench -->\nold\n<!-- /bench -->\nafter"
    once = report.put_section(document, "bench", r"new \1")
    assert once == "before\n<!-- bench -->\nnew \\1\n<!-- /bench -->\nafter"
    assert report.put_section(once, "bench", r"new \1") == once
    with pytest.raises(LookupError):
        report.put_section(document, "other", "new")


def test_percentiles_are_milliseconds_by_nearest_rank():
    latencies = [number * 1000 for number in range(1, 101)]
    assert [measuring.percentile(latencies, share) for share in (0.5, 0.95, 0.99)] == [51, 96, 100]


async def test_clients_follow_the_steps_of_an_iteration_and_count_what_they_are_told():
    """Answers come in pieces, as they do on a busy machine."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            line, rest = head, b""
            while (more := await reader.readline()) != b"\r\n":
                rest += more
            length = int(rest.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            seen.append(line + await reader.readexactly(length))
            body = b'{"name":"events/e/bookings/1","state":"BOOKING_STATE_HELD","createTime":"2026-03-01T00:00:00Z"}'
            if len(seen) == 6:
                body = b'{"details":[{"reason":"SOLD_OUT"}]}'
            status = b"400 Bad Request" if len(seen) == 6 else b"200 OK"
            answer = b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)
            for piece in (answer[:30], answer[30:70], answer[70:]):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    steps = [
        {"method": "POST", "path": "/v1/events/e/bookings?requestId={id}", "body": "{}"},
        {"method": "POST", "path": "/v1/{name}:confirm", "body": '{"requestId":"{id}"}'},
    ]
    job = {
        "host": "127.0.0.1", "port": server.sockets[0].getsockname()[1], "tokens": ["t"], "variants": [steps],
        "prefix": "p", "warm_seconds": 0.0, "seconds": 20.0, "stop_on_refusal": True,
    }  # fmt: skip
    async with server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(measuring.CLIENT), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate(json.dumps(job).encode() + b"\n")
    told = json.loads(output)
    assert told["statuses"] == {"200": 5, "400": 1}
    assert told["reasons"] == {"SOLD_OUT": 1}
    assert told["acknowledged"] == [[*HELD, "2026-03-01T00:00:00Z"]] * 5
    assert len(told["latencies"]) == 2
    assert told["unanswered"] == 0
    assert seen[0] == b"POST /v1/events/e/bookings?requestId=p.0.0000000001 HTTP/1.1\r\n{}"
    assert seen[1] == b'POST /v1/events/e/bookings/1:confirm HTTP/1.1\r\n{"requestId":"p.0.0000000002"}'


@pytest.mark.parametrize(("each", "met"), [(107, "yes"), (108, "**no**")])
def test_the_seven_services_together_have_a_bound(each: int, met: str) -> None:
    ready = dict.fromkeys(SERVICES, each * 2**20)
    assert measures.together(ready).row()[-1] == met


def test_the_doubt_of_a_mean_shrinks_with_more_turns():
    assert tracing.doubt([0.9, 1.1]).endswith("0.90, 1.10; their mean 1.000 is known to ±0.100.")
    assert tracing.doubt([0.9, 1.1] * 8).endswith("±0.026.")
