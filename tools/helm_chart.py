"""Renders the chart without a cluster."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes_tools import tool
from workspace import ROOT

CHART = ROOT / "deploy" / "helm" / "usher"
ENVIRONMENTS = ("dev", "staging", "prod")
RELEASE = NAMESPACE = "usher"
Values = Mapping[str, Any]
# Ten times as fast as the one in Python, where PyYAML was built with it.
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SHORT_LIVED = {"GOGC": "400"}
"""For programs in Go that end in a second: collecting garbage is a quarter of what a render takes."""


class ChartRefused(Exception):
    """helm's words."""


def helm(*arguments: str, values: Iterable[Values] = ()) -> str:
    """What a helm command prints; `values` go to it as files. ChartRefused."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(tool("helm")), *arguments]
        for number, each in enumerate(values):
            path = Path(folder) / f"{number}.yaml"
            path.write_text(yaml.safe_dump(dict(each)))
            command += ["--values", str(path)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=100, env={**os.environ, **SHORT_LIVED}
        )
    if done.returncode:
        raise ChartRefused("\n".join(line for line in done.stderr.splitlines() if not line.startswith("level=")))
    return done.stdout


def own_values(environment: str = "") -> Values:
    """A file of values, as it is written."""
    name = f"values-{environment}.yaml" if environment else "values.yaml"
    found: Values = yaml.safe_load((CHART / name).read_text())
    return found


def render_text(environment: str = "", *values: Values, options: Iterable[str] = ()) -> str:
    """The manifests of an environment, with `values` over its own."""
    files = [own_values(environment)] if environment else []
    command = ("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *options)
    return helm(*command, values=[*files, *values])


def render(environment: str = "", *values: Values, options: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The same as objects."""
    return objects_of(render_text(environment, *values, options=options))


def objects_of(text: str) -> list[dict[str, Any]]:
    """The objects of manifests."""
    return [each for each in yaml.load_all(text, Loader=FAST) if each]


def over(base: Values, change: Values) -> dict[str, Any]:
    """`base` with `change` over it, as helm lays values over each other."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
