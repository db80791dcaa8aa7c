"""The cost table is what the values add up to, and the documentation shows the latest."""

from decimal import Decimal

import pytest
from cluster_costs import DOCUMENT, Amount, asked, cores_of, dollars, gib_of, range_of, table
from helm_chart import render
from kubernetes_tools import ToolMissing, tool


def workload(name, requests, *, first=(), replicas=None):
    def containers(wanted):
        return [{"resources": {"requests": {"cpu": cpu, "memory": memory}}} for cpu, memory in wanted]

    pod = {"containers": containers(requests), "initContainers": containers(first)}
    spec = {"template": {"spec": pod}} | ({} if replicas is None else {"replicas": replicas})
    return {"kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def test_quantities_are_those_of_kubernetes():
    assert (cores_of("250m"), cores_of("2"), gib_of("512Mi"), gib_of("3Gi")) == (
        Decimal("0.25"), 2, Decimal("0.5"), 3,
    )  # fmt: skip


def test_init_containers_count_only_where_they_ask_for_more():
    one = asked(workload("one", [("1", "1Gi"), ("500m", "1Gi")], first=[("250m", "3Gi")]))
    assert (one.cores, one.gib) == (Decimal("1.5"), 3)


def test_replicas_are_those_of_the_scaler_or_of_the_deployment():
    scaler = {
        "kind": "ScaledObject",
        "spec": {"scaleTargetRef": {"name": "one"}, "minReplicaCount": 2, "maxReplicaCount": 5},
    }
    least, most = range_of([workload("one", [("1", "1Gi")]), workload("two", [("1", "1Gi")], replicas=3), scaler])
    assert (least.pods, most.pods, least.cores, most.gib) == (5, 8, 5, 8)


def test_a_month_is_cores_memory_cluster_and_storage():
    offer = {"core_hour": 1, "gib_hour": 0.1, "cluster_hour": 10, "gib_month_of_storage": 7, "source": "a leaflet"}
    assert dollars(Amount(1, Decimal(2), Decimal(30), Decimal(4)), offer, 100) == 1528


def test_the_documentation_shows_what_the_values_add_up_to():
    try:
        tool("helm")
    except ToolMissing as missing:
        pytest.skip(f"the chart is not rendered: {missing}")
    assert table() in DOCUMENT.read_text(), "python tools/cluster_costs.py --write"


def test_prod_asks_for_more_than_staging_and_that_for_more_than_dev():
    try:
        tool("helm")
    except ToolMissing as missing:
        pytest.skip(f"the chart is not rendered: {missing}")
    dev, staging, prod = (range_of(render(name))[0] for name in ("dev", "staging", "prod"))
    assert dev.pods < staging.pods < prod.pods
    assert staging.cores < prod.cores
