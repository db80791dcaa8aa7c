"""What the workflows may do and what they run: rules that neither actionlint nor zizmor knows."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FILES = [*WORKFLOWS, *sorted((ROOT / ".github/actions").glob("*/action.yml"))]
MAKEFILE = (ROOT / "Makefile").read_text()


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text())


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT / ".github")) for path in paths]


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_every_action_of_others_is_a_full_commit_with_its_version_beside_it(path: Path) -> None:
    """INVARIANT: what runs with our credentials changes only by a commit here."""
    used = re.findall(r"uses: (.*)$", path.read_text(), re.MULTILINE)
    loose = [use for use in used if not re.fullmatch(r"\./\S+|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)]
    assert loose == []


def test_one_action_has_one_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for path in FILES:
        for name, pin in re.findall(r"uses: ([\w./-]+)@(\w+ # \S+)", path.read_text()):
            pins.setdefault(name, set()).add(pin)
    assert {name: found for name, found in pins.items() if len(found) > 1} == {}
    assert len(pins) >= 8


@pytest.mark.parametrize("path", FILES, ids=ids(FILES))
def test_every_container_image_is_pinned_by_digest(path: Path) -> None:
    images = re.findall(r"^\s+image: (\S*docker\S*)$", path.read_text(), re.MULTILINE)
    assert [image for image in images if not re.search(r"@sha256:[0-9a-f]{64}$", image)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=ids(WORKFLOWS))
def test_a_workflow_has_no_permission_that_its_job_does_not_name(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        assert "timeout-minutes" in job or "uses" in job, name


def test_whatever_changes_a_cluster_waits_for_the_approval_of_its_environment() -> None:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            for step in job.get("steps", []):
                if step.get("uses") != "./.github/actions/release":
                    continue
                target, environment = step["with"]["target"], step["with"]["environment"]
                expected = environment if target == "deploy" else f"{environment}-plan"
                assert job["environment"] == expected, name
    deploy = read(ROOT / ".github/workflows/deploy.yml")
    assert deploy["concurrency"]["cancel-in-progress"] is False


def test_a_pull_request_may_write_nowhere() -> None:
    for path in WORKFLOWS:
        workflow = read(path)
        triggers = workflow[True]  # YAML 1.1 reads the key "on" so
        assert "pull_request_target" not in triggers, path.name
        if "pull_request" not in triggers:
            continue
        for name, job in workflow["jobs"].items():
            if "write" in job["permissions"].values():
                assert "github.event_name != 'pull_request'" in job["if"], (path.name, name)


def test_the_targets_that_workflows_make_are_there() -> None:
    text = "\n".join(path.read_text() for path in FILES)
    asked = set(re.findall(r"make ([a-z][a-z-]*)", text))
    asked |= set(read(ROOT / ".github/workflows/verify.yml")["jobs"]["nightly"]["strategy"]["matrix"]["suite"])
    asked |= set(re.findall(r"target: (plan|deploy)", text))
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert asked - targets == set()
    assert {"check", "test", "install", "plan", "deploy"} <= asked


def test_what_is_released_by_a_workflow_comes_from_where_the_workflow_pushes_images() -> None:
    pushed = re.search(r"image=(\S+)/usher-\$NAME", (ROOT / ".github/workflows/images.yml").read_text())
    released = re.search(r'images="(\S+)"', (ROOT / ".github/actions/release/action.yml").read_text())
    assert pushed is not None
    assert released is not None
    assert released[1] == pushed[1]
