"""The recipe of the images and who uses it say the same; what is pinned is pinned for good."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
HADOLINT = str(Path(sys.executable).parent / "hadolint")
RECIPE = (ROOT / "deploy/images/Dockerfile").read_text()
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml"))
IMAGES = {name: f"services/{name}" for name in SERVICES} | {"gateway": "deploy/envoy"}
# Takes the payments in clusters where people develop.
BUILT = IMAGES | {"sandbox": "sandbox"}
STAGES = set(re.findall(r"^FROM \S+ AS (\S+)$", RECIPE, re.MULTILINE))


def workflow(name: str) -> dict:
    return yaml.safe_load((ROOT / ".github/workflows" / f"{name}.yml").read_text())


def unpinned_bases(recipe: str) -> list[str]:
    """Images a recipe begins with that are neither a stage of its own nor named by digest."""
    stages, found = set(), []
    for image, stage in re.findall(r"^FROM (?:--\S+ )*(\S+)(?: AS (\S+))?", recipe, re.MULTILINE | re.IGNORECASE):
        if image not in stages and not re.search(r"@sha256:[0-9a-f]{64}$", image):
            found.append(image)
        stages.add(stage)
    return found


@pytest.mark.parametrize(
    "line",
    [
        "FROM python:3.11-slim",
        "FROM python:3.11-slim AS base",
        "FROM python:3.11-slim@sha256:abc AS base",
        "FROM --platform=linux/arm64 python",
        "FROM ${BASE}",
    ],
)
def test_a_base_without_a_digest_is_refused(line):
    assert unpinned_bases(line) != []


def test_every_base_is_pinned_by_digest():
    """INVARIANT: what an image is built on changes only by a commit."""
    assert unpinned_bases(RECIPE) == []
    assert unpinned_bases(RECIPE.replace("@sha256:", ":")) != []


def test_images_run_as_nobody_in_particular_and_say_how_they_are():
    stages = re.split(r"^FROM ", RECIPE, flags=re.MULTILINE)
    by_name = {stage.split()[2]: stage for stage in stages[1:]}
    assert re.search(r"^USER 10001:10001$", by_name["runtime"], re.MULTILINE)
    assert not re.search(r"^USER", by_name["service"] + by_name["gateway"] + by_name["development"], re.MULTILINE)
    assert "HEALTHCHECK" in by_name["service"]
    assert "HEALTHCHECK" in by_name["gateway"]
    labels = set(re.findall(r"org\.opencontainers\.image\.(\S+?)=", RECIPE))
    assert {"title", "description", "licenses", "version", "revision", "source", "base.name"} <= labels


def test_nothing_secret_and_no_history_reaches_the_builder():
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    needed = {"pyproject.toml", "requirements.lock", "LICENSE", "tools/*.py", "libs", "services"}
    assert let_in == needed | {"deploy/envoy", "deploy/images/reload.py", "sandbox"}
    assert rules.index("**/tests") > max(index for index, rule in enumerate(rules) if rule.startswith("!"))


def test_hadolint_has_nothing_to_say():
    subprocess.run([HADOLINT, "deploy/images/Dockerfile"], cwd=ROOT, check=True)


@pytest.mark.parametrize("found", ["RUN cd /tmp", "FROM python", "USER root"])
def test_hadolint_is_listened_to(found, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"{RECIPE}\n{found}\n")
    assert subprocess.run([HADOLINT, str(tmp_path / "Dockerfile")], check=False, capture_output=True).returncode != 0


def test_the_workflow_makes_an_image_of_every_service_and_of_the_gateway():
    matrix = workflow("images")["jobs"]["image"]["strategy"]["matrix"]["include"]
    assert {one["name"]: one["folder"] for one in matrix} == BUILT
    assert {one["target"] for one in matrix} <= STAGES
    assert all((one["target"] == "gateway") == (one["name"] == "gateway") for one in matrix)


def test_a_deployment_verifies_the_signature_of_every_image():
    steps = workflow("deploy")["jobs"]["verify"]["steps"]
    listed = re.search(r"for name in (.*);", "\n".join(step.get("run", "") for step in steps))
    assert listed
    assert set(listed[1].split()) == IMAGES.keys()
