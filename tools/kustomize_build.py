"""Builds the overlays of deploy/kustomize without a cluster, as they are or with other components."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from helm_chart import CHART, objects_of
from kubernetes_tools import tool
from workspace import ROOT

KUSTOMIZE = ROOT / "deploy" / "kustomize"
OVERLAYS = ("dev", "staging", "prod")
# Of each of these at most one: ways in, and where the engines are.
ENTRANCES = ("gateway-api", "load-balancer")
ENGINES = ("engines-tls", "single-node", "operators")
# A build ends before its garbage is worth collecting: a quarter less work, for 350 MB.
NO_COLLECTOR = {"GOGC": "off"}
SECONDS = 300  # for one, on a machine that does much else
# What they share, which is no choice of its own.
SHARED = ("certificate", "engines")
# Lists of a kustomization that name folders.
FOLDERS = ("resources", "components", "transformers")
ALERTS = ("alerts.yaml", "slo-rules.yaml")
RULES = KUSTOMIZE / "components" / "observability" / "rules.yaml"


class BuildRefused(Exception):
    """kustomize's words."""


def components() -> list[str]:
    """Those that an overlay may name; what they share among themselves is no component of its own."""
    folders = sorted(path.parent.name for path in KUSTOMIZE.glob("components/*/kustomization.yaml"))
    return [name for name in folders if name not in SHARED]


def build_text(folder: Path) -> str:
    """The manifests of a kustomization, as `kubectl apply -k` makes them, without any flag. BuildRefused."""
    command = [str(tool("kubectl")), "kustomize", str(folder)]
    done = subprocess.run(
        command, env={**os.environ, **NO_COLLECTOR}, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    if done.returncode:
        raise BuildRefused(done.stderr.strip())
    if done.stderr:
        raise BuildRefused(f"it warns: {done.stderr.strip()}")
    return done.stdout


def build(folder: Path) -> list[dict[str, Any]]:
    """The same as objects."""
    return objects_of(build_text(folder))


def overlay(environment: str) -> Path:
    """Its folder."""
    return KUSTOMIZE / "overlays" / environment


def own_components(environment: str) -> list[str]:
    """Those that the overlay of an environment has, in its order; `size`, which is its own, left out."""
    wanted = yaml.safe_load((overlay(environment) / "kustomization.yaml").read_text())
    return [Path(each).name for each in wanted["components"] if each != "size"]


def variant(environment: str, chosen: Sequence[str], folder: Path) -> Path:
    """Write into `folder` the overlay of an environment with `chosen` as its components, in that order; its folder."""
    own = overlay(environment)
    wanted = yaml.safe_load((own / "kustomization.yaml").read_text())
    wanted["components"] = ["size", *(f"../../components/{name}" for name in chosen)]
    for key in FOLDERS:
        wanted[key] = [os.path.relpath(own / each, folder.resolve()) for each in wanted[key]]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
    return folder


def rules() -> str:
    """The chart's alerts as the resource that the Prometheus operator reads; kustomize cannot make one of a list."""
    labels = "app.kubernetes.io/name: usher, app.kubernetes.io/instance: usher, app.kubernetes.io/component: monitoring"
    head = f"""# Written by `python tools/kustomize_build.py` from files/ of the chart: {", ".join(ALERTS)}.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: usher
  labels: {{{labels}, release: prometheus}}
spec:
  groups:
"""
    lines = [line for name in ALERTS for line in (CHART / "files" / name).read_text().splitlines()]
    return head + "".join(f"    {line}".rstrip() + "\n" for line in lines)


if __name__ == "__main__":
    RULES.write_text(rules())
