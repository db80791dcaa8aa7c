"""skaffold.yaml keeps to the schema of its version, as far as it is used, and to the images and the chart there are."""

import copy
import re
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from helm_chart import helm, objects_of  # noqa: E402  # found by the path set above
from kubernetes_tools import ToolMissing, tool  # noqa: E402  # found by the path set above

RECIPE = (ROOT / "deploy/images/Dockerfile").read_text()
STAGES = set(re.findall(r"^FROM \S+ AS (\S+)$", RECIPE, re.MULTILINE))
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml"))
FOLDERS = {name: f"services/{name}" for name in SERVICES} | {"gateway": "deploy/envoy", "sandbox": "sandbox"}
ENVIRONMENTS = ("dev", "staging", "prod")


def only(needed=(), **properties):
    return {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": False}


def many(each):
    return {"type": "array", "items": each, "minItems": 1}


TEXT = {"type": "string"}
# Of v4beta13, whose own schema took this file when it was written; skaffold itself is in no index of packages.
SHAPE = only(
    ["apiVersion", "kind", "metadata"],
    apiVersion={"const": "skaffold/v4beta13"},
    kind={"const": "Config"},
    metadata=only(["name"], name=TEXT),
    build=only(
        tagPolicy=only(gitCommit=only()),
        local=only(concurrency={"type": "integer"}, useBuildkit={"type": "boolean"}),
        artifacts=many(
            only(
                ["image", "docker"],
                image=TEXT,
                docker=only(
                    ["dockerfile", "target"],
                    dockerfile=TEXT, target=TEXT, buildArgs={"type": "object", "additionalProperties": TEXT},
                ),
                sync=only(manual=many(only(["src", "dest"], src=TEXT, dest=TEXT, strip=TEXT))),
            )
        ),
    ),
    manifests=only(
        helm=only(
            releases=many(
                only(
                    ["name", "chartPath"],
                    name=TEXT, chartPath=TEXT, namespace=TEXT, skipTests={"type": "boolean"},
                    valuesFiles=many(TEXT), setValues={"type": "object", "additionalProperties": TEXT},
                )
            )
        )
    ),
    deploy=only(kubectl=only()),
    profiles=many(
        only(
            ["name", "patches"],
            name=TEXT,
            activation=many(only(command={"enum": ["dev", "debug", "build", "run", "render"]})),
            patches=many(only(["op", "path", "value"], op={"enum": ["replace", "add"]}, path=TEXT, value=TEXT)),
        )
    ),
)  # fmt: skip


def modules():
    """Name → configuration."""
    return {each["metadata"]["name"]: each for each in yaml.safe_load_all((ROOT / "skaffold.yaml").read_text())}


def patched(module, profile):
    """The configuration with a profile; KeyError or IndexError for a patch of what is not there."""
    changed = copy.deepcopy(module)
    (patches,) = (each["patches"] for each in module["profiles"] if each["name"] == profile)
    for patch in patches:
        *way, last = patch["path"].strip("/").split("/")
        place = changed
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if patch["op"] == "add" and last == "-":
            place.append(patch["value"])
        else:
            assert place[last] != patch["value"], "a patch that changes nothing"
            place[last] = patch["value"]
    return changed


def artifact(name):
    (found,) = modules()[name]["build"]["artifacts"]
    return found


def test_the_file_keeps_to_the_schema():
    for each in modules().values():
        jsonschema.Draft202012Validator(SHAPE).validate(each)


@pytest.mark.parametrize("typo", [("build", "artifact"), ("manifests", "helms"), ("deploy", "kubectls")])
def test_a_key_that_skaffold_does_not_know_is_found(typo):
    part, key = typo
    with pytest.raises(jsonschema.ValidationError, match=key):
        jsonschema.validate({**modules()["booking"], part: {key: {}}}, SHAPE)


def test_each_image_is_a_module_and_the_chart_is_one():
    assert set(modules()) == {*FOLDERS, "release"}
    for name, module in modules().items():
        assert ("build" in module, "manifests" in module) == ((False, True) if name == "release" else (True, False))
    common = {
        name: (each["build"]["tagPolicy"], each["build"]["local"])
        for name, each in modules().items()
        if "build" in each
    }
    assert all(each == common["booking"] for each in common.values()), "modules run together: they have to agree"


@pytest.mark.parametrize("name", FOLDERS)
def test_every_image_is_built_by_the_recipe_from_its_own_folder(name):
    found = artifact(name)
    assert found["image"] == f"usher/usher-{name}"
    assert found["docker"]["dockerfile"] == "deploy/images/Dockerfile"
    assert found["docker"]["buildArgs"] == {"FOLDER": FOLDERS[name]}
    assert found["docker"]["target"] in STAGES
    assert (found["docker"]["target"] == "gateway") == (name == "gateway")


@pytest.mark.parametrize("name", SERVICES)
def test_sources_are_copied_where_the_image_for_development_looks_first(name):
    (rule,) = artifact(name)["sync"]["manual"]
    assert rule["src"].startswith(rule["strip"])
    assert rule["strip"] == f"{FOLDERS[name]}/src/"
    assert list(ROOT.glob(rule["src"]))
    assert f"PYTHONPATH={rule['dest']} " in RECIPE
    reloading = patched(modules()[name], "reload")
    assert reloading["build"]["artifacts"][0]["docker"]["target"] == "development"
    assert modules()[name]["profiles"][0]["activation"] == [{"command": "dev"}], (
        "a debugger must not be one process further down"
    )


def test_what_is_built_once_for_work_on_one_service_is_what_the_chart_names():
    version = yaml.safe_load((ROOT / "deploy/helm/usher/Chart.yaml").read_text())["appVersion"]
    for told in ("skaffold.yaml", "deploy/images/README.md"):
        assert f"skaffold build --tag={version}" in (ROOT / told).read_text()


def test_the_gateway_is_built_again_for_its_contracts_and_pages_are_no_sources_of_python():
    assert "sync" not in artifact("gateway")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_profile_renders_the_chart_with_the_images_that_are_built(environment):
    try:
        tool("helm")
    except ToolMissing as missing:
        pytest.skip(f"nothing is rendered: {missing}")
    (release,) = patched(modules()["release"], environment)["manifests"]["helm"]["releases"]
    assert [Path(each).name for each in release["valuesFiles"]] == ["values.yaml", f"values-{environment}.yaml"]
    command = ["template", release["name"], str(ROOT / release["chartPath"]), "--namespace", release["namespace"]]
    command += [f"--values={ROOT / each}" for each in release["valuesFiles"]]
    command += [f"--set={key}={value}" for key, value in release["setValues"].items()]
    pods = [each["spec"]["template"]["spec"] for each in objects_of(helm(*command)) if each["kind"] == "Deployment"]
    images = {container["image"].rpartition(":")[0] for pod in pods for container in pod["containers"]}
    own = {image for image in images if image.startswith("usher/")}
    # In development somebody takes the payments, and mail by an image of others.
    assert own == {artifact(name)["image"] for name in FOLDERS if environment == "dev" or name != "sandbox"}
    assert release["namespace"] == f"usher-{environment}"
