"""How many replicas there are, and what decides it."""

import pytest
from helm_chart import render


def scalers(objects, find):
    return {**find(objects, "HorizontalPodAutoscaler"), **find(objects, "ScaledObject")}


def test_a_deployment_counts_its_replicas_itself_unless_something_scales_it(objects, find):
    scaled = scalers(objects, find)
    for name, deployment in find(objects, "Deployment").items():
        assert ("replicas" in deployment["spec"]) != (name in scaled), name


def test_with_more_than_one_replica_there_is_a_disruption_budget_that_lets_one_go(objects, find):
    scaled = scalers(objects, find)
    for name, deployment in find(objects, "Deployment").items():
        spec = scaled[name]["spec"] if name in scaled else deployment["spec"]
        least = spec.get("minReplicas") or spec.get("minReplicaCount") or spec["replicas"]
        budgets = find(objects, "PodDisruptionBudget")
        assert (name in budgets) == (least > 1), name
        if name in budgets:
            assert budgets[name]["spec"]["selector"] == {"matchLabels": deployment["spec"]["selector"]["matchLabels"]}


@pytest.mark.parametrize("partitions", [2, 12])
def test_consumers_have_no_more_replicas_than_partitions(partitions, find):
    objects = render("prod", {"topics": {"partitions": partitions}})
    most = {name: each["spec"]["maxReplicaCount"] for name, each in find(objects, "ScaledObject").items()}
    assert most["usher-booking"] == partitions
    assert max(most.values()) <= partitions


def test_keda_scales_consumers_by_their_groups_and_the_others_by_what_they_are_asked(rendered, find):
    objects = rendered("prod")
    lagging = find(objects, "ScaledObject", "usher-notification")["spec"]["triggers"]
    assert {(each["type"], each["metadata"].get("consumerGroup")) for each in lagging} == {
        ("cpu", None), *(("kafka", f"notification.{name}") for name in ("user", "event", "booking", "payment")),
    }  # fmt: skip
    (cpu, calls) = find(objects, "HorizontalPodAutoscaler", "usher-event")["spec"]["metrics"]
    assert cpu["resource"]["target"]["averageUtilization"] == 70
    assert calls["pods"]["metric"]["name"] == "usher_rpc_server_in_flight"
    assert set(find(objects, "ScaledObject")) & set(find(objects, "HorizontalPodAutoscaler")) == set()
