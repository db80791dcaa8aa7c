"""Which release of which environment a command is about, and with which values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local_stack.stack import workspace
from usher_cli.release.outcomes import Exit, Trouble

ENVIRONMENTS = ("dev", "staging", "prod")
CHART = workspace() / "deploy" / "helm" / "usher"
PLACEHOLDER = "registry.example/"
COMMAND = "command"
"""The component that jobs of `usher release run` are; files/edges.yaml says where they may go."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DURATION = re.compile(r"([0-9]+)(s|m|h)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A release: of which environment, where, and what is laid over the environment's values."""

    environment: str
    release: str = "usher"
    namespace: str = "usher"
    context: str = ""
    tag: str = ""
    registry: str = ""
    values: Sequence[Path] = ()
    sets: Sequence[str] = ()
    texts: Sequence[str] = ()
    timeout_seconds: int = 600

    @property
    def selector(self) -> str:
        """Of what the release has made; what `usher release run` has made is not part of it."""
        return f"app.kubernetes.io/instance={self.release},app.kubernetes.io/component!={COMMAND}"

    def value_arguments(self, chart: Path = CHART) -> list[str]:
        """Options of helm that lay all values over each other, in order."""
        files = [chart / f"values-{self.environment}.yaml", *self.values]
        arguments = [part for file in files for part in ("--values", str(file))]
        for key, text in (("image.registry", self.registry), ("image.tag", self.tag)):
            arguments += ["--set-string", f"{key}={text}"] if text else []
        arguments += [part for each in self.sets for part in ("--set", each)]
        return arguments + [part for each in self.texts for part in ("--set-string", each)]


def target_of(
    environment: str,
    *,
    release: str,
    namespace: str,
    context: str,
    tag: str = "",
    registry: str = "",
    values: Sequence[Path] = (),
    sets: Sequence[str] = (),
    texts: Sequence[str] = (),
    timeout: str = "10m",
) -> Target:
    """What the command line says, checked. Trouble(BAD_INPUT)."""
    if environment not in ENVIRONMENTS:
        said = f"unknown environment {environment!r}" if environment else "no environment"
        raise Trouble(Exit.BAD_INPUT, f"{said}: say dev, staging or prod (with make: ENV=staging)")
    for option, text, shape in (("--release", release, _NAME), ("--namespace", namespace, _NAME), ("--tag", tag, _TAG)):
        if text and not shape.fullmatch(text):
            raise Trouble(Exit.BAD_INPUT, f"{option} {text!r} is no name that Kubernetes or a registry takes")
    for file in values:
        if not file.is_file():
            raise Trouble(Exit.BAD_INPUT, f"--values {file}: there is no such file")
    for each in (*sets, *texts):
        if "=" not in each:
            raise Trouble(Exit.BAD_INPUT, f"--set takes KEY=VALUE, such as gateway.workers=4, not {each}")
    return Target(
        environment=environment,
        release=release,
        namespace=namespace,
        context=context,
        tag=tag,
        registry=registry.rstrip("/"),
        values=tuple(values),
        sets=tuple(sets),
        texts=tuple(texts),
        timeout_seconds=seconds_of(timeout),
    )


def seconds_of(text: str) -> int:
    """What a time such as 90s, 10m or 1h is. Trouble(BAD_INPUT)."""
    found = _DURATION.fullmatch(text)
    if not found or not int(found[1]):
        raise Trouble(Exit.BAD_INPUT, f"{text!r} is no time: say 90s, 10m or 1h")
    return int(found[1]) * _SECONDS[found[2]]
