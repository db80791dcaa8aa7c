"""Every rendered object keeps to the policies, or an exception with a reason says why not."""

import pytest
from chart_policies import ALLOWED, RULES, WORKLOADS, allowed, breaches, name_of

from usher_cli.release.manifests import pod_of

FINDINGS = [
    ("no rights", {"kind": "ClusterRole"}),
    ("own account", {"kind": "Pod", "spec": {"containers": []}}),
    ("high user", {"kind": "Pod", "spec": {"securityContext": {"runAsUser": 33}, "containers": [{"name": "a"}]}}),
    ("a digest", {"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "usher:1.0"}]}}),
    (
        "probes",
        {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"name": "a", "livenessProbe": {}}]}}}},
    ),
    ("one way in", {"kind": "Service", "spec": {"type": "NodePort"}}),
    ("an end", {"kind": "Job", "spec": {"backoffLimit": 1}}),
    ("scratch is bounded", {"kind": "Pod", "spec": {"volumes": [{"name": "a", "emptyDir": {}}]}}),
    ("no secrets in manifests", {"kind": "Secret", "stringData": {"key": "a"}}),
    (
        "secrets as files",
        {
            "kind": "Pod",
            "spec": {"containers": [{"name": "a", "env": [{"name": "A", "valueFrom": {"secretKeyRef": {}}}]}]},
        },
    ),
    ("no namespace", {"kind": "ConfigMap", "metadata": {"namespace": "other"}}),
    ("no shell", {"kind": "Pod", "spec": {"containers": [{"name": "a", "command": ["sh", "-c", "true"]}]}}),
]


def test_every_object_keeps_to_the_policies_or_says_why_not(every_object):
    assert breaches(every_object) == []


def test_no_exception_is_left_over_and_each_has_a_reason(every_object):
    used = {one for rule in RULES for each in every_object if any(rule.find(each)) for one in allowed(rule, each)}
    assert set(ALLOWED) == used
    assert all(len(each.reason.split()) >= 6 for each in ALLOWED)


def test_a_breach_is_told_with_the_reason_for_its_rule():
    given = {"kind": "ClusterRole", "metadata": {"name": "all"}}
    assert breaches([given]) == [
        "no rights: ClusterRole all: ClusterRole (whatever gets into a pod could use them (NSA, CIS 5.1))"
    ]


def test_what_no_release_may_have_the_chart_may_not_have_either():
    pod = {"kind": "Pod", "metadata": {"name": "bare"}, "spec": {"containers": [{"name": "a", "image": "usher:main"}]}}
    assert "Pod bare: container a: image usher:main may be another one tomorrow" in breaches([pod])


@pytest.mark.parametrize(("name", "breach"), FINDINGS)
def test_a_breach_is_found(name, breach):
    (rule,) = (rule for rule in RULES if rule.name == name)
    assert list(rule.find(breach)) != []


def test_each_rule_has_a_breach_that_it_finds():
    assert {name for name, _ in FINDINGS} == {rule.name for rule in RULES}


def test_services_and_budgets_select_the_pods_they_are_for_and_no_others(objects):
    """A job's pod among the addresses of a service would be called."""
    labels = {
        name_of(each): each["spec"]["template"]["metadata"]["labels"] for each in objects if each["kind"] in WORKLOADS
    }
    labels |= {name_of(each): each["metadata"]["labels"] for each in objects if each["kind"] == "Pod"}
    for each in objects:
        if each["kind"] not in ("Service", "PodDisruptionBudget"):
            continue
        own = each["spec"]["selector"]
        wanted = own.get("matchLabels", own)
        found = [name for name, has in labels.items() if wanted.items() <= has.items()]
        component = wanted.get("app.kubernetes.io/component")
        if component is None:  # pods that an operator makes
            assert found == []
            continue
        assert [name.partition(" ")[2] for name in found] == [f"usher-{component}"], each["metadata"]["name"]
        assert pod_of(next(one for one in objects if name_of(one) == found[0]))
