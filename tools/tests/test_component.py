"""What an image holds, made by the very steps its Dockerfile runs: exactly a closure, and it serves."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import component
import pytest
from closure import blocks
from workspace import LOCK, ROOT, group, inside_closure, members, normalized, settings

from testkit.engines import mongo_engine
from testkit.noida import free_port, kafka_elastic_engine

SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/pyproject.toml"))
GATEWAY = "deploy/envoy"
# One is made each time; the others are the same steps over other lists.
QUICK = "search"
MIB = 1 << 20
LISTING = (
    "import json, sys; from importlib.metadata import distributions; "
    "print(json.dumps(sorted(one.name for one in distributions(path=sys.argv[1:]))))"
)


class Made:
    """A component installed as in its image: third-party environment and own packages in two folders."""

    def __init__(self, folder: str, where: Path) -> None:
        self.folder, self.environment, self.own = folder, where / "environment", where / "own"
        self.python = str(self.environment / "bin" / "python")
        steps = [sys.executable, str(ROOT / "tools" / "component.py")]
        requirements = where / "requirements.txt"
        with requirements.open("w") as listed:
            subprocess.run([*steps, "requirements", folder], check=True, stdout=listed)
        subprocess.run([*steps, "third-party", str(requirements), str(self.environment)], check=True)
        subprocess.run([*steps, "own", folder, str(self.own)], check=True)

    @property
    def site(self) -> Path:
        return next(self.environment.glob("lib/python*/site-packages"))

    def distributions(self) -> set[str]:
        command = [self.python, "-I", "-c", LISTING, str(self.site), str(self.own)]
        return {normalized(name) for name in json.loads(subprocess.check_output(command, text=True))}

    def mebibytes(self) -> int:
        files = [path for top in (self.environment, self.own) for path in top.rglob("*")]
        return sum(path.lstat().st_size for path in files if not path.is_dir()) // MIB

    def run(self, *arguments: str, **variables: str) -> "subprocess.Popen[bytes]":
        """As the image runs it: nothing of this test's own environment, no import from the working folder."""
        kept = {"PATH": f"{self.environment / 'bin'}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/")}
        mine = {"PYTHONPATH": str(self.own), "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.Popen([self.python, *arguments], env=kept | mine | variables, cwd="/")


def folder_of(name: str) -> str:
    return GATEWAY if name == "gateway" else f"services/{name}"


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Makes a component once."""
    all_made = {}

    def make(name: str) -> Made:
        if name not in all_made:
            all_made[name] = Made(folder_of(name), tmp_path_factory.mktemp(name))
        return all_made[name]

    return make


@pytest.fixture(scope="session")
def engines():
    with mongo_engine() as mongodb, kafka_elastic_engine() as noida:
        yield {
            "USHER_MONGODB_URI": mongodb,
            "USHER_KAFKA_BROKERS": noida.brokers,
            "USHER_ELASTICSEARCH_URL": noida.elasticsearch,
        }


def surroundings(engines, folder: Path) -> dict[str, str]:
    """What any service is told; what it would call is not there, and it starts nevertheless."""
    gateways = folder / "gateways.json"
    gateways.write_text("{}")
    return engines | {
        "USHER_GRPC_PORT": str(free_port()),
        "USHER_PAGE_TOKEN_KEY": "0123456789abcdef0123456789abcdef",
        "USHER_JWKS_TARGET": f"127.0.0.1:{free_port()}",
        "USHER_BOOKING_TARGET": f"127.0.0.1:{free_port()}",
        "USHER_GATEWAYS_FILE": str(gateways),
        "USHER_SMTP_HOST": "127.0.0.1",
        "USHER_MAIL_FROM": "Usher <tickets@usher.example>",
    }


@contextmanager
def started(made: Made, variables: dict[str, str]):
    process = made.run("-m", "serve", **variables)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()


def healthy(made: Made, variables: dict[str, str]) -> bool:
    """The health check of the image."""
    return made.run("-m", "grpc_runtime.probe", **variables).wait(30) == 0


def holds_its_closure_only(made: Made) -> None:
    member = component.member_in(made.folder)
    own = {each.name for each in inside_closure([member.name])}
    requirements = (made.environment.parent / "requirements.txt").read_text()
    third_party = set(blocks(requirements))
    assert made.distributions() <= own | third_party
    assert own <= made.distributions()
    strangers = {f"{name}_service" for name in SERVICES} - {f"{Path(made.folder).name}_service"}
    tests_only = {"testkit", "local_stack", "pytest", "mypy", "ruff", "hypothesis", "pip", "setuptools", "hatchling"}
    top = {path.name for path in (*made.site.iterdir(), *made.own.iterdir())}
    assert not top & ((strangers | tests_only) - third_party)
    assert not list(made.own.rglob("tests"))


def serves(made: Made, engines, folder: Path) -> float:
    variables = surroundings(engines, folder)
    began = time.monotonic()
    with started(made, variables) as process:
        while not healthy(made, variables):
            assert process.poll() is None, f"ended with {process.returncode}"
            assert time.monotonic() - began < 120
        seconds = time.monotonic() - began
    assert process.returncode == 0
    assert not healthy(made, variables), "a probe that cannot say no"
    return seconds


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_service_installed_as_in_its_image_serves_with_nothing_but_its_closure(made, engines, tmp_path):
    holds_its_closure_only(made(QUICK))
    serves(made(QUICK), engines, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", SERVICES)
def test_each_service_installed_as_in_its_image_serves_with_nothing_but_its_closure(name, made, engines, tmp_path):
    holds_its_closure_only(made(name))
    seconds = serves(made(name), engines, tmp_path)
    print(f"\n| {name} | {made(name).mebibytes()} | {seconds:.1f} |")


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_gateway_installed_as_in_its_image_has_envoy_and_all_pages(made, tmp_path):
    gateway = made("gateway")
    holds_its_closure_only(gateway)
    pages = (
        "from gateway_config import assemble_site, descriptor_image, TEMPLATE; from pathlib import Path; import sys; "
    )
    pages += "assemble_site(Path(sys.argv[1])); assert descriptor_image().exists() and TEMPLATE.exists()"
    assert gateway.run("-c", pages, str(tmp_path / "site")).wait(60) == 0
    assert {"openapi.json", "docs.html", "swagger-ui.css"} <= {path.name for path in (tmp_path / "site").iterdir()}
    assert b"1.40" in subprocess.check_output([str(gateway.environment / "bin" / "envoy"), "--version"])
    print(f"\n| gateway | {gateway.mebibytes()} | |")


@pytest.mark.parametrize("name", [*SERVICES, "gateway"])
def test_a_component_is_asked_for_by_its_folder(name):
    listed = subprocess.check_output(
        [sys.executable, str(ROOT / "tools" / "component.py"), "requirements", folder_of(name)], text=True
    )
    assert {"protobuf"} <= set(blocks(listed))
    assert not {"pytest", "mypy", "secantusdb", "noida-db"} & set(blocks(listed))
    assert all("--hash=sha256:" in text for texts in blocks(listed).values() for text in texts)


def test_a_folder_without_a_package_is_refused_with_those_there_are():
    with pytest.raises(SystemExit, match="services/booking"):
        component.member_in("services/bookings")


def test_the_builder_of_own_packages_is_pinned_too():
    assert all(normalized(requirement) in blocks(LOCK.read_text()) for requirement in group("install"))


def test_what_is_deployed_is_a_workspace_package_that_runs_on_the_python_of_the_images():
    base = re.search(r"FROM python:(3\.\d+)", (ROOT / "deploy/images/Dockerfile").read_text())
    assert base
    assert base[1] == settings()["tool"]["usher"]["python"]
    assert {component.member_in(folder_of(name)).name for name in [*SERVICES, "gateway"]} <= {m.name for m in members()}
