"""Each service declares what it measures: names follow Prometheus, labels are few, and the page says what there is."""

import re
import sys
from pathlib import Path

import pytest

from local_stack.platform_processes import SERVICES
from telemetry import Declared, Metrics

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from metrics_page import PAGE, declared, page  # noqa: E402

DECLARED = declared()
EVERY = sorted({metric for metrics in DECLARED.values() for metric in metrics}, key=lambda metric: metric.name)
# What may end a name that tells a quantity: base units, and things that are counted.
UNITS = ("_seconds", "_bytes", "_info", "_total", "_commands")
# Of what a label may not say who or which one it was.
IDENTIFYING = re.compile(r"(^|_)(id|user|email|address|ip|booking|payment|organizer|event|name|trace)($|_)")


def ids(metrics: list[Declared]) -> list[str]:
    return [metric.name for metric in metrics]


def test_the_page_says_what_services_declare() -> None:
    assert PAGE.read_text() == page(), "python tools/metrics_page.py writes it again"


def test_one_name_is_one_metric() -> None:
    by_service = {service: [metric.name for metric in metrics] for service, metrics in DECLARED.items()}
    assert {service: len(names) - len(set(names)) for service, names in by_service.items()} == dict.fromkeys(
        SERVICES, 0
    )


@pytest.mark.parametrize("metric", EVERY, ids=ids(EVERY))
def test_a_name_follows_prometheus(metric: Declared) -> None:
    """See its naming practices, and OpenMetrics for the suffixes."""
    assert re.fullmatch(r"usher(_[a-z0-9]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.kind != "histogram" or metric.name.endswith(UNITS)
    assert not re.search(r"_(ms|millis|milliseconds|minutes|count|sum|bucket)(_|$)", metric.name)
    assert metric.text.endswith((".", ".)"))


@pytest.mark.parametrize("metric", EVERY, ids=ids(EVERY))
def test_labels_are_of_few_values(metric: Declared) -> None:
    assert [label for label in metric.labels if IDENTIFYING.search(label)] == []
    assert all(metric.labels.values()), "each label says what its values are"
    assert len(metric.labels) <= 3


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_declared_can_be_made(service: str) -> None:
    metrics = Metrics(service)
    made = {family.name for family in metrics.registry.collect()}
    for metric in DECLARED[service]:
        if metric.kind != "info" and metric.name.removesuffix("_total") not in made:
            getattr(metrics, metric.kind)(metric)
    shown = {family.name for family in metrics.registry.collect()}
    assert {metric.name.removesuffix("_total").removesuffix("_info") for metric in DECLARED[service]} <= shown
