"""The overlays as kubectl builds them; without kubectl these tests are skipped and say why."""

import functools
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(Path(__file__).parent)]

from helm_chart import CHART, helm, objects_of, own_values  # noqa: E402  # found by the path set above
from kubernetes_tools import ToolMissing, tool  # noqa: E402  # found by the path set above
from kustomize_build import OVERLAYS, build, overlay, variant  # noqa: E402  # found by the path set above

# Who takes money and mail in development, and sample events, are the chart's alone.
HELPERS_OFF = {"development": {name: {"enabled": False} for name in ("mail", "sandbox", "seed")}}


@pytest.fixture(scope="session", autouse=True)
def _kubectl():
    try:
        tool("kubectl")
    except ToolMissing as missing:
        pytest.skip(f"the overlays are not checked: {missing}")


@pytest.fixture(scope="session")
def built():
    """`built(environment)`: the objects of an overlay; each is built once."""
    return functools.cache(lambda environment: build(overlay(environment)))


@pytest.fixture(scope="session")
def charted():
    """`charted(environment, *values)`: the objects of the chart, in the overlay's namespace."""

    @functools.cache
    def as_it_is(environment):
        return of(environment)

    def of(environment, *values):
        place = ("--namespace", f"usher-{environment}")
        return objects_of(
            helm("template", "usher", str(CHART), *place, values=[own_values(environment), HELPERS_OFF, *values])
        )

    return lambda environment, *values: of(environment, *values) if values else as_it_is(environment)


@pytest.fixture
def combined(tmp_path):
    """`combined(environment, components)`: the objects of an overlay with other components than its own."""
    return lambda environment, chosen: build(variant(environment, chosen, tmp_path / "-".join([environment, *chosen])))


@pytest.fixture(params=OVERLAYS)
def environment(request):
    return request.param
