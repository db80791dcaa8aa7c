"""The repository keeps its shape: rules a reader relies on when going from one service to the next."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVICES = sorted(path for path in (ROOT / "services").iterdir() if (path / "pyproject.toml").exists())
LIBRARIES = sorted(path for path in (ROOT / "libs").iterdir() if (path / "pyproject.toml").exists())
LONGEST = 400
# Generated, or data.
EXEMPT = re.compile(
    r"_pb2|observability/rules\.yaml|slo-rules\.yaml|libs/protos/src|/data/|openapi\.json|requirements\.lock"
)
# One text each by design: a contract is read top to bottom, and the gateway has one configuration for all environments.
WHOLE = re.compile(r"_service\.proto$|deploy/envoy/envoy\.yaml$")
WRITTEN = (".py", ".proto", ".yaml", ".sh", ".md", ".toml")
VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc"}


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    # What a link leads to is counted where it stands.
    return [ROOT / name for name in names if (ROOT / name).is_file() and not (ROOT / name).is_symlink()]


def ids(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_no_file_is_longer_than_a_reader_holds_in_mind() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked()
        if path.suffix in WRITTEN and not EXEMPT.search(str(path.relative_to(ROOT)))
        and (lines := len(path.read_text("utf-8").splitlines())) > LONGEST
    }  # fmt: skip
    assert {name: lines for name, lines in long.items() if not WHOLE.search(name)} == {}


def test_no_name_says_nothing() -> None:
    vague = [path for path in tracked() if path.suffix == ".py" and VAGUE & {path.stem, *path.parent.parts}]
    assert vague == []


def test_the_tree_names_no_host_of_a_package_registry() -> None:
    hosts = ["pypi" + ".org", "python" + "hosted", "registry." + "npmjs", "proxy." + "golang", "repo1." + "maven"]
    found = [
        (str(path.relative_to(ROOT)), host)
        for path in tracked()
        if path.suffix in (*WRITTEN, ".lock", ".json", ".cfg")
        for host in hosts
        if host in path.read_text("utf-8", errors="ignore")
    ]
    assert found == []


def test_there_are_seven_services() -> None:
    assert ids(SERVICES) == ["analytics", "booking", "event", "notification", "payment", "search", "user"]


@pytest.mark.parametrize("service", SERVICES, ids=ids(SERVICES))
def test_every_service_has_the_same_rooms(service: Path) -> None:
    package = service / "src" / f"{service.name}_service"
    for room in ("domain", "handlers", "inbound", "outbound"):
        assert (package / room / "__init__.py").exists(), room
    for file in ("__main__.py", "settings.py", "composition.py", "py.typed"):
        assert (package / file).exists(), file
    assert (service / "README.md").exists()
    assert len((package / "__main__.py").read_text().splitlines()) <= 20


@pytest.mark.parametrize("library", LIBRARIES, ids=ids(LIBRARIES))
def test_every_library_says_what_it_is_for_on_one_screen(library: Path) -> None:
    assert 5 <= len((library / "README.md").read_text().splitlines()) <= 60
    assert (library / "src" / library.name / "py.typed").exists() or library.name == "protos"


@pytest.mark.parametrize("member", [*SERVICES, *LIBRARIES], ids=ids([*SERVICES, *LIBRARIES]))
def test_a_package_declares_the_workspace_packages_it_imports(member: Path) -> None:
    declared = set(tomllib.loads((member / "pyproject.toml").read_text())["project"]["dependencies"])
    names = {library.name for library in LIBRARIES} - {member.name, "protos"}
    source = "\n".join(path.read_text() for path in (member / "src").rglob("*.py") if "_pb2" not in path.name)
    used = {name for name in names if re.search(rf"^\s*(from|import) {name}\b", source, re.MULTILINE)}
    missing = {name for name in used if f"usher-{name.replace('_', '-')}" not in declared}
    assert missing == set()
