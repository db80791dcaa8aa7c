"""Every panel shows something: each query goes to a Prometheus that scrapes a stack which people use."""

import asyncio
import json
import math
import re
import sys
import time

import httpx
import pytest

from local_stack.failures import StackFailure
from local_stack.observing import require_prometheus
from local_stack.platform_processes import SERVICES
from local_stack.stack import Stack
from monitoring_config.dashboards import every_board
from monitoring_config.places import FOLDER

sys.path.insert(0, str(FOLDER / "tests"))

from asked import with_ranges  # found by the path set above
from busy import busy  # the same

pytestmark = [pytest.mark.observe, pytest.mark.stack, pytest.mark.timeout(900)]
PATIENCE = 300


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    try:
        require_prometheus()
    except StackFailure as missing:
        pytest.skip(str(missing))
    stack = Stack(tmp_path_factory.mktemp("observed"))
    try:
        asyncio.run(stack.up(observe=True))
        yield stack
    finally:
        asyncio.run(stack.down())


@pytest.fixture(scope="module")
def crowd(stack):
    with busy(stack.url(), stack.mail()) as crowd:
        yield crowd


@pytest.fixture
def prometheus(stack):
    with httpx.Client(base_url=f"http://127.0.0.1:{stack.state().ports['prometheus']}/api/v1") as client:
        yield client


def answer(prometheus, query):
    """Values of all series that the query has now."""
    found = prometheus.get("/query", params={"query": query}, timeout=30).json()
    assert found["status"] == "success", f"{query}: {found.get('error')}"
    return [float(each["value"][1]) for each in found["data"]["result"]]


def as_grafana_sends(board, query):
    """With everything chosen."""
    return re.sub(r"\$(namespace|service|instance)\b", ".*", with_ranges(board.filled_in(query)))


def until_nothing_is_left(look, crowd):
    """`look` gives what is missing; it is asked until nothing is."""
    give_up = time.monotonic() + PATIENCE
    while (missing := look()) and time.monotonic() < give_up and not crowd.failures:
        time.sleep(2)
    assert crowd.failures == []
    return missing


def test_prometheus_reaches_every_process(prometheus, crowd):
    def missing():
        found = prometheus.get("/targets").json()["data"]["activeTargets"]
        return {*SERVICES, "gateway"} - {each["labels"]["job"] for each in found if each["health"] == "up"}

    assert until_nothing_is_left(missing, crowd) == set()


def test_every_panel_of_every_dashboard_has_data(prometheus, crowd):
    queries = {
        (board.name, panel.title, legend): as_grafana_sends(board, query)
        for board in every_board() for panel in board.panels() for legend, query in panel.queries.items()
    }  # fmt: skip

    def missing():
        """Those that have had data once are not asked again: a dispute of the past is data too."""
        for key, query in list(queries.items()):
            if any(math.isfinite(value) for value in answer(prometheus, query)):
                del queries[key]
        return queries

    assert len(queries) > 250
    assert until_nothing_is_left(missing, crowd) == {}
    assert crowd.rounds > 0


def test_rules_are_loaded_and_a_stack_that_works_alarms_nobody(prometheus, crowd, alerts):
    groups = prometheus.get("/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert {rule["name"] for rule in rules if rule["type"] == "alerting"} == alerts.keys()
    assert [rule["lastError"] for rule in rules if rule["health"] == "err"] == []
    firing = prometheus.get("/alerts").json()["data"]["alerts"]
    critical = [each for each in firing if each["state"] == "firing" and each["labels"]["severity"] == "critical"]
    # Where a whole stack shares two cores with tests, promises about time are not kept.
    assert [each for each in critical if each["labels"].get("slo") not in {"latency", "freshness"}] == [], json.dumps(
        critical
    )
