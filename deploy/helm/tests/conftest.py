"""The chart as helm renders it; without helm these tests are skipped and say why."""

import functools
import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from helm_chart import ENVIRONMENTS, render  # noqa: E402  # found by the path set above
from kubernetes_tools import ToolMissing, tool  # noqa: E402  # found by the path set above

# What can be switched, beside what the environments already do.
# fmt: off
SWITCHES = {
    "as it is": {},
    "load balancer": {"exposure": {"kind": "loadBalancer"}},
    "load balancer without tls": {"exposure": {"kind": "loadBalancer"}, "tls": {"enabled": False}},
    "gateway api": {"exposure": {"kind": "gatewayApi"}},
    "not exposed": {"exposure": {"kind": "none"}},
    "certificates by hand": {
        "publicUrl": "https://tickets.example", "tls": {"enabled": True, "certManager": {"enabled": False}},
    },
    "internal tls": {"tls": {"internal": {"enabled": True}}},
    "internal tls by hand": {"tls": {"internal": {"enabled": True, "certManager": {"enabled": False}}}},
    "internal tls of an issuer": {"tls": {"internal": {"enabled": True, "certManager": {"issuer": "company"}}}},
    "keda": {"keda": {"enabled": True}},
    "no keda": {"keda": {"enabled": False}},
    "no policies": {"network": {"policies": False}},
    "priorities": {"priorityClasses": {"create": True}},
    "no priorities": {"priorityClasses": {"create": False}},
    "external secrets": {"externalSecrets": {"enabled": True}},
    "secrets by hand": {"externalSecrets": {"enabled": False}},
    "watched": {"monitoring": {"serviceMonitors": True, "alerts": True, "dashboards": True}},
    "not watched": {"monitoring": {"serviceMonitors": False, "alerts": False, "dashboards": False}},
    "engines elsewhere": {"engines": {"kind": "none"}},
    "operators": {"engines": {"kind": "operators"}},
    "operators and keda": {"engines": {"kind": "operators"}, "keda": {"enabled": True}},
    "no helpers": {"development": {name: {"enabled": False} for name in ("mail", "sandbox", "seed")}},
    "nobody signs in": {"smoke": {"account": "", "outside": False}},
}
# fmt: on
EVERY = [(environment, switch) for environment in ENVIRONMENTS for switch in SWITCHES]


@pytest.fixture(scope="session", autouse=True)
def _helm():
    try:
        tool("helm")
    except ToolMissing as missing:
        pytest.skip(f"the chart is not checked: {missing}")


@pytest.fixture(scope="session")
def rendered():
    """`rendered(environment, switch)`: the objects; each is rendered once."""

    @functools.cache
    def of(environment, switch="as it is"):
        return render(environment, SWITCHES[switch])

    return of


@pytest.fixture(scope="session")
def every_object(rendered):
    """All objects of every environment with every switch, equal ones once."""
    found = {json.dumps(each, sort_keys=True): each for pair in EVERY for each in rendered(*pair)}
    return list(found.values())


@pytest.fixture(params=EVERY, ids=lambda each: f"{each[0]}: {each[1]}")
def objects(request, rendered):
    """Each environment with each switch."""
    return rendered(*request.param)


@pytest.fixture(params=ENVIRONMENTS)
def environment(request):
    return request.param


@pytest.fixture(scope="session")
def find():
    """`find(objects, kind, name)`, and without a name all of the kind by name."""

    def of(objects, kind, name=None):
        found = {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}
        return found if name is None else found[name]

    return of


@pytest.fixture(scope="session")
def pods():
    """`pods(objects)`: name of what makes them → pod spec."""

    def of(objects):
        found = {}
        for each in objects:
            if each["kind"] == "Pod":
                found[each["metadata"]["name"]] = each["spec"]
            elif "template" in each.get("spec", {}) and "containers" in each["spec"]["template"].get("spec", {}):
                found[f"{each['kind']} {each['metadata']['name']}"] = each["spec"]["template"]["spec"]
        return found

    return of
