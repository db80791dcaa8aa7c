"""skaffold.yaml by Skaffold itself: it builds what the chart names, and renders what helm does."""

import json
import os
import subprocess

import pytest
from helm_chart import CHART, ENVIRONMENTS, helm, objects_of, render
from kubernetes_tools import ToolMissing, tool
from parts import GO, SKAFFOLD
from workspace import ROOT

from testkit.go_programs import built, lacking

TAG = "0.1.0"
EACH = pytest.mark.parametrize("environment", ENVIRONMENTS)


@pytest.fixture(scope="session")
def skaffold(tmp_path_factory):
    """`skaffold(*arguments)`: what it prints, without a cluster, an engine, or anybody's settings."""
    if reason := lacking(SKAFFOLD, GO):
        pytest.skip(reason)
    try:
        programs = tool("helm").parent
    except ToolMissing as missing:
        pytest.skip(f"skaffold renders by helm: {missing}")
    program = built(SKAFFOLD) / "skaffold"
    home = tmp_path_factory.mktemp("skaffold")
    environ = {
        "HOME": str(home),
        "KUBECONFIG": str(home / "none"),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "SKAFFOLD_UPDATE_CHECK": "false",
        "SKAFFOLD_INTERACTIVE": "false",
    }

    def run(*arguments):
        done = subprocess.run(
            [program, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, f"{done.stderr}{done.stdout}"
        return done.stdout

    return run


def by_name(objects):
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def images(objects):
    """Of this project, in pods of every kind."""
    found, left = set(), list(objects)
    while left:
        each = left.pop()
        if isinstance(each, dict):
            left += each.values()
            image = each.get("image")
            found |= {image} if isinstance(image, str) and "usher/" in image else set()
        elif isinstance(each, list):
            left += each
    return found


@EACH
def test_a_profile_renders_what_helm_does_of_the_same_values(skaffold, environment):
    rendered = by_name(objects_of(skaffold("render", "-p", environment, "-m", "release", "--digest-source=tag")))
    namespace = f"usher-{environment}"
    files = [option for name in ("", f"-{environment}") for option in ("--values", str(CHART / f"values{name}.yaml"))]
    command = ("template", "usher", str(CHART), "--namespace", namespace, *files, "--set", "image.registry=usher")
    expected = by_name(objects_of(helm(*command, "--skip-tests")))
    assert rendered.keys() == expected.keys()
    assert {name for name, each in rendered.items() if each != expected[name]} == set()
    assert len(rendered) > 50


@pytest.mark.parametrize("profile", [(), *(("-p", each) for each in ENVIRONMENTS)], ids=lambda each: "".join(each[1:]))
def test_every_image_of_the_chart_is_built_and_no_other(skaffold, profile):
    told = json.loads(skaffold("build", "--dry-run", "-q", f"--tag={TAG}", *profile))
    built_here = {each["tag"] for each in told["builds"]}
    assert {each["imageName"] for each in told["builds"]} == {tag.removesuffix(f":{TAG}") for tag in built_here}
    everything = {"image": {"registry": "usher", "tag": TAG}}
    assert built_here == images([*render("dev", everything), *render("prod", everything)])


def test_one_image_is_built_alone(skaffold):
    (only,) = json.loads(skaffold("build", "--dry-run", "-q", f"--tag={TAG}", "-m", "booking"))["builds"]
    assert only["tag"] == f"usher/usher-booking:{TAG}"
