"""Some five thousand real conferences, imported by the command line, found by search on a real Elasticsearch."""

import json
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import grpc
import psutil
import pytest
from google.type.latlng_pb2 import LatLng
from google.type.money_pb2 import Money
from typer.testing import CliRunner

from local_stack.stack import Stack
from testkit.choice import VARIABLE, chosen_engines
from usher.search.v1.search_service_pb2 import EventHit, SearchEventsRequest, SearchEventsResponse
from usher.search.v1.search_service_pb2_grpc import SearchServiceStub
from usher_cli.app import build

CHECKOUT = Path(__file__).parents[2]
LIST = Path(os.environ.get("USHER_CONFERENCES") or CHECKOUT.parent / "shared" / "data" / "conferences.jsonl")
FIGURES = CHECKOUT / ".build" / "performance" / "search.md"
ROUNDS, WARM_UP = 60, 10  # searches of each kind; those before are not counted
PATIENCE_SECONDS = 900  # the other services take in the same events meanwhile
P95_SECONDS = 0.5

pytestmark = [pytest.mark.native, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def conferences() -> Sequence[Mapping[str, Any]]:
    if chosen_engines() != "native":
        pytest.skip(f"searching thousands of events needs a real Elasticsearch: {VARIABLE}=native")
    if not LIST.exists():
        pytest.skip(f"there is no list of conferences at {LIST}; USHER_CONFERENCES names one")
    return [json.loads(line) for line in LIST.read_text().splitlines()]


def matching(search: SearchServiceStub, **fields: Any) -> SearchEventsResponse:
    return search.SearchEvents(SearchEventsRequest(**fields), timeout=30)


@pytest.fixture(scope="module")
def imported(conferences: Sequence[Mapping[str, Any]], stack: Stack, channel: grpc.Channel) -> dict[str, Any]:
    """The organizer, and the seconds it took to import all and until all were found."""
    began = time.monotonic()
    command = ["import", "events", str(LIST), "--json", "--data", str(stack.folder)]
    done = CliRunner().invoke(build(), command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["imported"] == len(conferences)
    imported_after = time.monotonic() - began
    search = SearchServiceStub(channel)
    while (found := matching(search, organizer=answer["organizer"], page_size=1).total_size) != len(conferences):
        assert time.monotonic() < began + imported_after + PATIENCE_SECONDS, f"{found} of {len(conferences)} are found"
        time.sleep(0.2)
    return {**answer, "import_seconds": imported_after, "found_seconds": time.monotonic() - began}


def test_every_conference_is_on_exactly_one_page(
    imported: Mapping[str, Any], conferences: Sequence[Mapping[str, Any]], channel: grpc.Channel
) -> None:
    hits: list[EventHit] = []
    token = ""
    while token or not hits:
        page = matching(
            SearchServiceStub(channel), organizer=imported["organizer"], order=SearchEventsRequest.ORDER_START_TIME,
            page_size=500, page_token=token,
        )  # fmt: skip
        hits += page.hits
        token = page.next_page_token
    assert len({hit.event for hit in hits}) == len(hits) == len(conferences)
    assert sorted(hit.title for hit in hits) == sorted(each["name"] for each in conferences)
    starts = [hit.start_time.ToNanoseconds() for hit in hits]
    assert starts == sorted(starts)


def test_conferences_are_found_by_their_names(
    imported: Mapping[str, Any], conferences: Sequence[Mapping[str, Any]], channel: grpc.Channel
) -> None:
    chance = random.Random(11)
    for each in chance.sample(conferences, 100):
        found = matching(
            SearchServiceStub(channel), query=each["name"], organizer=imported["organizer"], page_size=100
        )  # fmt: skip
        assert each["name"] in {hit.title for hit in found.hits}


def searches(conferences: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What people ask, by kind; drawn by chance, the same each time."""
    chance = random.Random(5)
    names = [each["name"] for each in conferences]
    topics = sorted({topic for each in conferences for topic in each["topics"]})
    places = [LatLng(latitude=52.5, longitude=13.4), LatLng(latitude=40.7, longitude=-74.0), LatLng(latitude=12.97)]
    now = int(datetime.now(UTC).timestamp())
    for _ in range(ROUNDS + WARM_UP):
        name, place = chance.choice(names), chance.choice(places)
        typed = list(name)
        typed[chance.randrange(len(typed))] = "x"
        price = {"price_min": Money(currency_code="USD"), "price_max": Money(currency_code="USD", units=100)}
        yield "a name", {"query": name}
        yield "a name with a mistake", {"query": "".join(typed)}
        yield "a topic near a place", {"query": chance.choice(topics), "center": place, "radius_meters": 300_000}
        yield "a topic, by distance", {
            "query": chance.choice(topics), "center": place, "radius_meters": 5_000_000,
            "order": SearchEventsRequest.ORDER_DISTANCE,
        }  # fmt: skip
        yield "category, country and price", {
            "categories": [chance.choice(topics)], "country_codes": ["US", "DE"], **price,
            "order": SearchEventsRequest.ORDER_PRICE,
        }  # fmt: skip
        after = now + chance.randrange(300) * 86_400
        yield "everything from a day on", {
            "start_after": {"seconds": after}, "order": SearchEventsRequest.ORDER_START_TIME
        }  # fmt: skip


def test_searches_answer_quickly(
    imported: Mapping[str, Any], conferences: Sequence[Mapping[str, Any]], channel: grpc.Channel, capsys: Any
) -> None:
    search = SearchServiceStub(channel)
    took: dict[str, list[float]] = {}
    for kind, fields in searches(conferences):
        began = time.monotonic()
        matching(search, page_size=20, **fields)
        took.setdefault(kind, []).append((time.monotonic() - began) * 1000)
    counted = {kind: times[WARM_UP:] for kind, times in took.items()}
    text = report(counted, imported, len(conferences))
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    FIGURES.write_text(text)
    with capsys.disabled():
        print(f"\n\n{text}")
    assert percentile([each for times in counted.values() for each in times], 95) < P95_SECONDS * 1000


def report(took: Mapping[str, Sequence[float]], imported: Mapping[str, Any], count: int) -> str:
    """A table in Markdown, as docs/performance.md has it."""
    everything = [each for times in took.values() for each in times]
    rows = [
        f"| {kind} | {len(times)} | " + " | ".join(f"{percentile(times, share):.1f}" for share in (50, 95, 99)) + " |"
        for kind, times in [*took.items(), ("**all**", everything)]
    ]
    found_after = imported["found_seconds"] - imported["import_seconds"]
    table = "\n".join(["| search | calls | p50 ms | p95 ms | p99 ms |", "| --- | ---: | ---: | ---: | ---: |", *rows])
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f} · "
        "Elasticsearch on Java, 512 MiB heap · SearchEvents with facets and 20 hits, one client, gRPC through the "
        f"gateway · {count:,} conferences imported and published in {imported['import_seconds']:.1f} s, all found "
        f"{found_after:.1f} s after that.\n\n{table}\n"
    )


def percentile(values: Sequence[float], share: int) -> float:
    return quantiles(values, n=100, method="inclusive")[share - 1]
