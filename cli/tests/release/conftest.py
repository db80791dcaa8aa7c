"""A cluster that is played: a file says what it is like, programs named helm and kubectl answer from it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from usher_cli.app import build
from usher_cli.release import deploying
from usher_cli.release.programs import FINDER

STAND_IN = Path(__file__).with_name("stand_in.py")
COMPONENTS = ("analytics", "booking", "event", "gateway", "notification", "payment", "search", "user")
SECRETS = {
    "usher-mongodb": ["uri"], "usher-page-tokens": ["key"], "usher-elasticsearch": ["url"],
    "usher-payment-gateways": ["gateways.json"], "usher-gateway-tls": ["tls.crt", "tls.key"],
}  # fmt: skip
API_VERSIONS = [
    "v1", "apps/v1", "autoscaling/v2", "batch/v1", "networking.k8s.io/v1", "policy/v1", "scheduling.k8s.io/v1",
    "gateway.networking.k8s.io/v1", "cert-manager.io/v1", "keda.sh/v1alpha1", "monitoring.coreos.com/v1",
    "external-secrets.io/v1",
]  # fmt: skip


@pytest.fixture(scope="session")
def real_helm():
    """helm itself, for what needs no cluster."""
    found = subprocess.run([sys.executable, str(FINDER), "helm"], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(f"releases are not tried: {found.stderr.strip()}")
    return found.stdout.strip()


@pytest.fixture(scope="session")
def real_helm_said(tmp_path_factory):
    """Where its answers are kept, for most tests ask it the same."""
    return tmp_path_factory.mktemp("helm")


def workload(component, *, generation=1, ready=2, wanted=2, kind="Deployment"):
    labels = {
        "app.kubernetes.io/instance": "usher", "app.kubernetes.io/component": component,
        "app.kubernetes.io/version": "0.2.0",
    }  # fmt: skip
    return {
        "kind": kind, "apiVersion": "apps/v1",
        "metadata": {"name": f"usher-{component}", "labels": labels, "generation": generation},
        "spec": {"replicas": wanted},
        "status": {
            "observedGeneration": generation, "replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready,
        },
    }  # fmt: skip


class Played:
    """What the cluster is like, and a command line that asks it."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "cluster.json"
        self.set(
            helm="v4.1.4", unreachable=False, context="kind-usher", version="v1.35.4", namespaces=["usher"],
            api_versions=API_VERSIONS, secrets=SECRETS, revisions=[], apply="", logs={}, bad=[], live={},
            pods=[], pods_after=[], events=[], upgrade="ok", rollback="ok", history="", ended=False, applied={},
            job_ends=0,
            workloads=[workload(each) for each in COMPONENTS],
            workloads_after=[workload(each, generation=2) for each in COMPONENTS],
        )  # fmt: skip

    def set(self, **what):
        known = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.file.write_text(json.dumps({**known, **what}))

    @property
    def state(self):
        return json.loads(self.file.read_text())

    @property
    def calls(self):
        """Every call so far, as words."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def changes(self):
        """The calls that change something in a cluster."""
        changing = {"upgrade", "rollback", "test", "delete", "create"}
        return [call for call in self.calls if call[1] in changing and "--dry-run=server" not in call]

    def run(self, *arguments, given=None):
        return CliRunner().invoke(build(), ["release", *arguments], input=given, catch_exceptions=False)

    def json(self, *arguments):
        """Exit code and document."""
        done = self.run(*arguments, "--json")
        return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def cluster(tmp_path, monkeypatch, real_helm, real_helm_said):
    """A cluster without a release, where everything that one needs is there."""
    for name in ("helm", "kubectl"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{sys.executable} -SE\n{STAND_IN.read_text()}")
        program.chmod(0o755)
        monkeypatch.setenv(f"USHER_{name.upper()}", str(program))
    monkeypatch.setenv("USHER_STAND_IN", str(tmp_path))
    monkeypatch.setenv("USHER_REAL_HELM", real_helm)
    monkeypatch.setenv("USHER_REAL_HELM_SAID", str(real_helm_said))
    for name in ("USHER_VALUES", "USHER_REGISTRY", "USHER_NAMESPACE", "USHER_SIGNED_BY", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(deploying, "POLL_SECONDS", 0.05)
    return Played(tmp_path)


@pytest.fixture
def revision(real_helm):
    """`revision(number, status, …)`: one that the chart makes, of version 0.1.0."""
    made = {}

    def of(number, status="deployed", *, environment="staging", description="", smoke="", sets=()):
        key = (environment, tuple(sets))
        if key not in made:
            from usher_cli.release.target import CHART

            command = [
                real_helm,
                "template",
                "usher",
                str(CHART),
                "--namespace",
                "usher",
                "--set-string",
                "image.tag=0.1.0",
            ]
            command += [
                "--values",
                str(CHART / f"values-{environment}.yaml"),
                "--set",
                "image.registry=registry.test/usher",
            ]
            command += [part for each in sets for part in ("--set", each)]
            made[key] = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {
            "revision": number, "status": status, "description": description or "Usher 0.1.0", "smoke": smoke,
            "updated": "2026-11-01T10:00:00.123456789Z", "manifest": made[key], "hooks": "",
            "values": {"environment": environment, "image": {"tag": "0.1.0"}},
        }  # fmt: skip

    return of
