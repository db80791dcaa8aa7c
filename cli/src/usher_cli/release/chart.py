"""The chart with an environment's values: checked, and rendered to objects."""

import contextlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local_stack.stack import workspace
from usher_cli.release.manifests import Object, hooks_of, objects_of
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.programs import Programs, Said
from usher_cli.release.target import CHART, PLACEHOLDER

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a release consists of: its objects, those that helm runs around it, and the values it was made from."""

    objects: tuple[Object, ...]
    hooks: tuple[Object, ...]
    values: Values

    @property
    def all(self) -> tuple[Object, ...]:
        """Everything that pods may come from."""
        return (*self.objects, *self.hooks)

    @property
    def placeholders(self) -> list[str]:
        """Values that nobody can have meant to release."""
        registry = str(self.values.get("image", {}).get("registry", ""))
        return [f"image.registry is still {registry}: say --registry"] if registry.startswith(PLACEHOLDER) else []


def linted(programs: Programs, chart: Path = CHART) -> None:
    """Let helm check chart and values. Trouble(BAD_INPUT)."""
    said = programs.try_helm("lint", "--strict", "--quiet", str(chart), *programs.target.value_arguments(chart))
    if said.code:
        raise _refused(said.out + said.err)


def rendered(programs: Programs, *, kubernetes: str = "", chart: Path = CHART) -> Rendered:
    """What would be sent to a cluster of the version `kubernetes`. Trouble(BAD_INPUT, or REFUSED: it is too old)."""
    values = programs.target.value_arguments(chart)
    version = ["--kube-version", kubernetes] if kubernetes else []
    said = programs.try_helm("template", programs.target.release, str(chart), *version, *values)
    if said.code:
        raise _refused(said.err)
    objects = objects_of(said.out)
    return Rendered(
        tuple(each for each in objects if not hooks_of(each)),
        tuple(each for each in objects if hooks_of(each)),
        _values(programs, chart, values),
    )


def _values(programs: Programs, chart: Path, arguments: list[str]) -> Values:
    """All values as helm lays them over each other, those of --set included."""
    said = programs.try_helm(
        "install", programs.target.release, str(chart), "--dry-run=client", "--output", "json", *arguments
    )
    if said.code:
        raise _refused(said.err)
    own: Values = json.loads(said.out).get("config") or {}
    return over(yaml.safe_load((chart / "values.yaml").read_text()), own)


def over(base: Values, change: Values) -> dict[str, Any]:
    """`base` with `change` over it, as helm does it: null takes a key away."""
    merged = dict(base)
    for key, value in change.items():
        old = merged.get(key)
        merged[key] = over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return {key: value for key, value in merged.items() if value is not None}


def _refused(text: str) -> Trouble:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("level=")]
    telling = [line for line in lines if line.startswith(("- at '", "at '"))]
    if telling:
        return Trouble(
            Exit.BAD_INPUT, f"a value is not what the chart takes: {telling[0].removeprefix('- ')}", *telling[1:]
        )
    old = [line for line in lines if "kubeVersion" in line]
    if old:
        needs = old[0].partition("requires kubeVersion: ")[2].partition(" ")[0].removesuffix("-0")
        return Trouble(
            Exit.REFUSED,
            f"this Kubernetes is too old: Usher needs {needs}; move the cluster to a newer version",
            old[0].removeprefix("Error: "),
        )
    failed = [line.rpartition("error calling fail: ")[2] for line in lines if "error calling fail: " in line]
    wrong = failed or [line.removeprefix("[ERROR]").strip() for line in lines if "[ERROR]" in line]
    wrong = wrong or [line.removeprefix("Error: ") for line in lines] or ["helm does not say why"]
    return Trouble(Exit.BAD_INPUT, f"the chart does not take these values: {wrong[0]}", *wrong[1:6])


@contextlib.contextmanager
def committed_chart(reference: str) -> Iterator[tuple[Path, str]]:
    """The chart as it stands in a commit of the checkout, and which commit that is. Trouble(BAD_INPUT)."""
    found = _git("rev-parse", "--verify", "--quiet", "--short", f"{reference}^{{commit}}")
    if found.code:
        raise Trouble(Exit.BAD_INPUT, f"--against {reference}: the checkout has no such commit")
    folder = CHART.relative_to(workspace())
    packed = subprocess.run(
        ["git", "-C", str(workspace()), "archive", reference, folder.parts[0]],  # noqa: S607 - git is where it is
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        raise Trouble(Exit.BAD_INPUT, f"--against {reference}: that commit has no chart")
    with tempfile.TemporaryDirectory(prefix="usher-plan-") as scratch:
        with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
            archive.extractall(scratch, filter="data")
        yield Path(scratch) / folder, found.out.strip()


def _git(*arguments: str) -> Said:
    try:
        done = subprocess.run(
            ["git", "-C", str(workspace()), *arguments],  # noqa: S607 - git is where it is
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return Said(127, "", "git is not there")
    return Said(done.returncode, done.stdout, done.stderr)
