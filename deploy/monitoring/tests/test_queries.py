"""Nothing is asked for that nobody tells: metrics and labels of every query are those that services declare."""

import importlib
import re
import sys

import pytest

from local_stack.platform_processes import SERVICES
from monitoring_config.burn_rates import BAD, BUDGET, WINDOWS
from monitoring_config.dashboards import every_board
from monitoring_config.places import FOLDER
from monitoring_config.slos import objectives
from telemetry.declarations import Declared

sys.path.insert(0, str(FOLDER / "tests"))

from asked import grouped_by, selectors  # found by the path set above

# Of a scrape, whoever is scraped.
SCRAPED = {"job", "instance", "namespace"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",), "info": ("",)}
PROCESS = ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds")
# Of Envoy 1.40, as a stack with the gateway's configuration shows them.
ENVOY = {
    "envoy_http_downstream_rq_xx": {"envoy_response_code_class", "envoy_http_conn_manager_prefix"},
    "envoy_http_downstream_rq_time_bucket": {"le", "envoy_http_conn_manager_prefix"},
    "envoy_http_downstream_cx_active": {"envoy_http_conn_manager_prefix"},
    "envoy_http_local_rate_limit_rate_limited": {"envoy_local_http_ratelimit_prefix"},
    "envoy_listener_downstream_cx_overload_reject": {"envoy_listener_address"},
    "envoy_cluster_membership_healthy": {"envoy_cluster_name"},
    "envoy_cluster_upstream_rq_active": {"envoy_cluster_name"},
    "envoy_cluster_upstream_rq_pending_active": {"envoy_cluster_name"},
    "envoy_server_memory_allocated": set(),
    "envoy_server_days_until_first_cert_expiring": set(),
}
RECORDED = {BUDGET: {"slo"}, **{BAD + window: {"slo"} for window in WINDOWS}}
PROMETHEUS = {"up": set(), "ALERTS": {"alertstate", "alertname"}}


def declared(service):
    return importlib.import_module(f"{service}_service.metrics").METRICS


def shown(metrics: tuple[Declared, ...]):
    """Name of a series → its labels."""
    return {
        metric.name + suffix: {*metric.labels, *(("le",) if suffix == "_bucket" else ())}
        for metric in metrics
        for suffix in SUFFIXES[metric.kind]
    }


BY_SERVICE = {service: shown(declared(service)) for service in SERVICES}
COMMON = {**{name: set() for name in PROCESS}, **ENVOY, **RECORDED, **PROMETHEUS}
EVERYWHERE = {name: labels for series in (*BY_SERVICE.values(), COMMON) for name, labels in series.items()}
PANELS = [
    pytest.param(board, panel, id=f"{board.name}: {panel.title}") for board in every_board() for panel in board.panels()
]


def unknown(query, job=""):
    """What the query names and nobody shows; `job`: the one service whose metrics it may name where it says so."""
    found = []
    for selector in selectors(query):
        own = dict(selector.matchers).get("job", "")
        series = {**BY_SERVICE.get(own, EVERYWHERE), **COMMON} if own == job else EVERYWHERE
        if selector.metric not in series:
            found.append(selector.metric)
        else:
            known = SCRAPED | series[selector.metric]
            found += [f"{selector.metric}.{label}" for label, _ in selector.matchers if label not in known]
    labels = {"le", *SCRAPED}.union(*(EVERYWHERE.get(each.metric, set()) for each in selectors(query)))
    return [*found, *sorted(grouped_by(query) - labels)]


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_panel_asks_for_what_there_is(board, panel):
    for query in panel.queries.values():
        assert unknown(board.filled_in(query), board.service) == []


@pytest.mark.parametrize(("board", "panel"), PANELS)
def test_a_legend_names_labels_that_the_query_keeps(board, panel):
    for legend, query in panel.queries.items():
        named = set(re.findall(r"{{(\w+)}}", legend))
        kept = grouped_by(board.filled_in(query)) | {"job", "slo"} & {
            "job",
            "slo" if BAD in query or BUDGET in query else "job",
        }
        assert named <= kept


def test_an_alert_asks_for_what_there_is(alerts):
    for name, rule in alerts.items():
        assert unknown(rule["expr"]) == [], name


def test_a_rule_that_records_asks_for_what_there_is(rules):
    for group in rules["slo-rules.yaml"]:
        for rule in group["rules"]:
            assert "alert" in rule or unknown(rule["expr"], rule["labels"]["job"]) == [], rule


def test_an_invented_metric_or_label_is_found():
    assert unknown('sum by (flavour) (rate(usher_bookings_total{colour="red"}[5m])) + usher_tea') == [
        "usher_bookings_total.colour", "usher_tea", "flavour",
    ]  # fmt: skip


def test_a_method_that_is_asked_for_is_one_of_the_contract(alerts):
    from usher.booking.v1 import booking_service_pb2 as booking
    from usher.search.v1 import search_service_pb2 as search

    methods = {
        f"{service.full_name}/{method.name}"
        for module in (booking, search)
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    queries = [
        board.filled_in(query)
        for board in every_board()
        for panel in board.panels()
        for query in panel.queries.values()
    ]
    queries += [rule["expr"] for rule in alerts.values()]
    asked = {
        value
        for query in queries for selector in selectors(query) for label, value in selector.matchers
        if label == "method" and "usher." in value
    }  # fmt: skip
    assert asked
    assert asked <= methods


def test_objectives_that_look_at_time_name_a_bound_of_the_histogram():
    from telemetry import families

    bounds = {"latency": families.RPC_SECONDS.buckets, "freshness": families.CONSUMER_DELAY.buckets}
    for each in objectives():
        assert each.kind == "availability" or each.seconds in bounds[each.kind], each


def test_every_service_promises_what_it_does():
    by_service = {service: {each.kind for each in objectives() if each.service == service} for service in SERVICES}
    for service, kinds in by_service.items():
        consumes = "usher_consumer_delay_seconds_bucket" in BY_SERVICE[service]
        assert kinds == {"availability", "latency", *(("freshness",) if consumes else ())}, service
