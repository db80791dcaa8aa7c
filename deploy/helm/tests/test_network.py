"""Who may talk to whom, worked out of the rendered policies as a cluster would, is the table of edges."""

import pytest
import yaml
from helm_chart import CHART, ENVIRONMENTS, over, own_values

ROOT = CHART.parents[2]
SERVICES = ("analytics", "booking", "event", "notification", "payment", "search", "user")
HELPERS = ("mail", "sandbox", "seed")  # of development alone
COMPONENTS = (*SERVICES, "gateway", "topics", "prepare", "smoke", "command", *HELPERS)
EDGES = yaml.safe_load((CHART / "files" / "edges.yaml").read_text())
PAIRS = {(start, end) for edge in EDGES for start in edge["from"] for end in edge["to"]}
DESTINATIONS = {end for _, end in PAIRS} - set(COMPONENTS)
SOURCES = {start for start, _ in PAIRS} - set(COMPONENTS)


def labels(component):
    return {
        "app.kubernetes.io/name": "usher",
        "app.kubernetes.io/instance": "usher",
        "app.kubernetes.io/component": component,
    }


def selects(selector, component):
    return selector.get("matchLabels", {}).items() <= labels(component).items()


def policies_of(objects, component, direction):
    return [
        each["spec"]
        for each in objects
        if each["kind"] == "NetworkPolicy"
        and selects(each["spec"]["podSelector"], component)
        and direction in each["spec"]["policyTypes"]
    ]


def peers(objects, component, direction):
    """Peers of all rules; None where no policy selects the pod, which is then free."""
    found = policies_of(objects, component, direction)
    if not found:
        return None
    way = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}[direction]
    return [peer for each in found for rule in each.get(way[0]) or [] for peer in rule[way[1]]]


def reaches(objects, start, end):
    """Between two components: what leaves is let out, and let in."""
    out, into = peers(objects, start, "Egress"), peers(objects, end, "Ingress")
    assert out is not None
    assert into is not None
    return all(
        any(set(peer) == {"podSelector"} and selects(peer["podSelector"], other) for peer in found)
        for found, other in ((out, end), (into, start))
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_between_components_the_edges_are_open_and_nothing_else(environment, rendered):
    objects = rendered(environment)
    there = set(COMPONENTS) - set(() if environment == "dev" else HELPERS)
    open_ways = {(a, b) for a in there for b in there if a != b and reaches(objects, a, b)}
    assert open_ways == {pair for pair in PAIRS if set(pair) <= there}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_to_what_lies_outside_only_those_go_who_need_it(environment, rendered):
    values = over(own_values(), own_values(environment))["network"]["destinations"]
    assert set(values) == DESTINATIONS
    for name, destination in values.items():
        for component in COMPONENTS:
            rules = [
                rule
                for each in policies_of(rendered(environment), component, "Egress")
                for rule in each.get("egress") or []
            ]
            ways = [rule for rule in rules if rule["ports"] == [{"protocol": "TCP", "port": destination["port"]}]]
            goes = any(rule["to"] == destination["peers"] for rule in ways)
            assert goes == ((component, name) in PAIRS), (component, name)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_callers_reach_the_gateway_alone_and_prometheus_only_metrics(environment, rendered):
    values = over(own_values(), own_values(environment))["network"]["sources"]
    assert set(values) == SOURCES
    for name, source in values.items():
        for component in COMPONENTS:
            rules = [
                rule
                for each in policies_of(rendered(environment), component, "Ingress")
                for rule in each.get("ingress") or []
            ]
            ports = [rule["ports"][0]["port"] for rule in rules if rule["from"] == source]
            wanted = {"callers": "http", "monitoring": "metrics"}[name]
            assert ports == ([wanted] if (name, component) in PAIRS else []), (component, name)


def test_a_pod_of_the_release_that_no_policy_names_can_do_nothing(rendered):
    found = peers(rendered("prod"), "newcomer", "Egress"), peers(rendered("prod"), "newcomer", "Ingress")
    assert found == ([], [])


def test_engines_in_dev_are_reached_by_those_who_need_them(rendered):
    for engine in ("mongodb", "kafka", "elasticsearch"):
        reached = {component for component in COMPONENTS if reaches(rendered("dev"), component, engine)}
        assert reached == {start for start, end in PAIRS if end == engine}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("job", ["topics", "prepare"])
def test_a_job_of_an_upgrade_brings_its_policy_along_and_leaves_that_of_the_release_alone(
    environment, job, rendered, find
):
    policies = find(rendered(environment), "NetworkPolicy")
    its, own = find(rendered(environment), "Job", f"usher-{job}"), policies[f"usher-{job}"]
    brought = policies[f"usher-{job}-hook"]
    assert brought["spec"] == own["spec"]
    assert "annotations" not in own["metadata"]
    hook, of_job = brought["metadata"]["annotations"], its["metadata"]["annotations"]
    assert hook["helm.sh/hook"] == of_job["helm.sh/hook"]
    assert int(hook["helm.sh/hook-weight"]) < int(of_job.get("helm.sh/hook-weight", 0))
    assert "before-hook-creation" in hook["helm.sh/hook-delete-policy"]


def test_named_ports_of_the_rules_are_ports_of_the_pods(objects, pods):
    named = {
        name.rpartition("-")[2]: {port["name"] for each in pod["containers"] for port in each.get("ports", [])}
        for name, pod in pods(objects).items()
    }
    for policy in (each for each in objects if each["kind"] == "NetworkPolicy"):
        component = policy["metadata"]["name"].removeprefix("usher-")
        for rule in policy["spec"].get("ingress") or []:
            assert {port["port"] for port in rule["ports"]} <= named[component], component


def test_the_documentation_shows_the_same_table():
    table = "\n".join(
        ["| from | to | for |", "| --- | --- | --- |"]
        + [f"| {told(edge['from'])} | {told(edge['to'])} | {edge['for']} |" for edge in EDGES]
    )
    assert table in (ROOT / "docs" / "architecture.md").read_text(), table


def told(names):
    """Seven services are "every service"."""
    rest = [name for name in names if name not in SERVICES]
    if set(SERVICES) <= set(names):
        names = ["every service", *rest]
    elif len(set(names) & set(SERVICES)) == 6:
        (missing,) = set(SERVICES) - set(names)
        names = [f"every service but {missing}", *rest]
    return ", ".join(words(name) for name in names)


def words(name):
    return {
        "mongodb": "MongoDB",
        "kafka": "Kafka",
        "elasticsearch": "Elasticsearch",
        "smtp": "SMTP",
        "paymentGateways": "payment gateways",
        "world": "the world",
        "worldPlain": "the world without TLS",
    }.get(name, name)
