"""helm and kubectl: where they are, one call of them, and what their complaints mean."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_stack.stack import workspace
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.target import Target

FINDER = workspace() / "tools" / "kubernetes_tools.py"
ANSWER_SECONDS = 10
"""How long the API server may take for one answer."""
CALL_SECONDS = 60.0

# What they say when nobody answers, or nobody lets us in.
_UNREACHABLE = re.compile(
    r"cluster unreachable|connection refused|connection reset|no such host|i/o timeout|no route to host"
    r"|network is unreachable|unable to connect to the server|TLS handshake|x509:|server misbehaving"
    r"|currently unable to handle|Unauthorized|must be logged in|provide credentials|getting credentials"
    r"|connection to the server .* was refused|Please enter Username"
    r"|Client\.Timeout",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"(?:is forbidden: )?User \"?(?P<who>[^\"]+)\"? cannot (?P<what>.+)")
_NO_CONTEXT = re.compile(r"context \"[^\"]*\" does not exist|context was not found|no context exists with the name")
_NOISE = re.compile(r"^(level=|time=|WARNING: Kubernetes configuration file|[A-Z]\d{4} \d\d:\d\d:\d\d)|^\s*$")


@dataclass(frozen=True, slots=True)
class Said:
    """What a program answered."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Its complaint without the noise of its logging; never empty."""
        found = [line.strip() for line in self.err.splitlines() if not _NOISE.match(line)]
        return (
            found or [line.strip() for line in self.err.splitlines() if line.strip()] or [f"it ended with {self.code}"]
        )


@dataclass(frozen=True, slots=True)
class Programs:
    """helm and kubectl for one release."""

    helm_path: str
    kubectl_path: str
    target: Target

    def command_of_helm(self, *arguments: str) -> list[str]:
        """A call of helm for the release's namespace, in its cluster."""
        context = ["--kube-context", self.target.context] if self.target.context else []
        return [self.helm_path, *arguments, "--namespace", self.target.namespace, *context]

    def try_helm(self, *arguments: str, seconds: float = CALL_SECONDS) -> Said:
        """Ask helm; how it ended is for the caller to read."""
        return _said(self.command_of_helm(*arguments), seconds=seconds)

    def try_kubectl(self, *arguments: str, given: str = "", seconds: float = CALL_SECONDS) -> Said:
        """Ask kubectl; how it ended is for the caller to read."""
        context = ["--context", self.target.context] if self.target.context else []
        limits = [f"--request-timeout={ANSWER_SECONDS}s", "--namespace", self.target.namespace]
        return _said([self.kubectl_path, *arguments, *limits, *context], given=given, seconds=seconds)

    def helm(self, *arguments: str) -> str:
        """What helm prints. Trouble."""
        said = self.try_helm(*arguments)
        if said.code:
            raise trouble_of(f"helm {arguments[0]}", said)
        return said.out

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints. Trouble."""
        said = self.try_kubectl(*arguments)
        if said.code:
            raise trouble_of(f"kubectl {arguments[0]}", said)
        return said.out

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects that `kubectl get` finds. Trouble."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "--output", "json"))
        return list(found["items"]) if "items" in found else [found]


def programs_for(target: Target) -> Programs:
    """USHER_HELM and USHER_KUBECTL, else those that the checkout pins, else those on the PATH. Trouble."""
    found = Programs(_place("helm"), _place("kubectl"), target)
    version = _said([found.helm_path, "version", "--template", "{{.Version}}"]).out.strip()
    if not re.match(r"v?([4-9]|\d\d)\.", version):
        raise Trouble(Exit.FAILED, f"{found.helm_path} is helm {version or 'of no version'}: version 4 is needed")
    return found


def _place(name: str) -> str:
    own = os.environ.get(f"USHER_{name.upper()}")
    if own:
        return own
    said = _said([sys.executable, str(FINDER), name], seconds=400.0)
    if said.code:
        raise Trouble(Exit.FAILED, f"{name} cannot be had: {said.lines[-1]} (USHER_{name.upper()} may name one)")
    return said.out.strip()


def _said(command: Sequence[str], *, given: str = "", seconds: float = CALL_SECONDS) -> Said:
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return Said(-1, "", f"{Path(command[0]).name} did not answer for {seconds:.0f} s: i/o timeout")
    except OSError as failure:
        raise Trouble(Exit.FAILED, f"{command[0]} cannot be run: {failure.strerror}") from None
    return Said(done.returncode, done.stdout, done.stderr)


def trouble_of(what: str, said: Said) -> Trouble:
    """What a complaint means for the person at the terminal."""
    text = " ".join((*said.lines, said.out[:80]))  # without credentials kubectl asks for some, on stdout
    if _NO_CONTEXT.search(text):
        return Trouble(Exit.BAD_INPUT, f"{said.lines[-1]}: `kubectl config get-contexts` lists those there are")
    denied = _FORBIDDEN.search(text)
    if denied:
        return Trouble(
            Exit.UNREACHABLE, f"the cluster does not let {denied['who']} do this: cannot {denied['what'].rstrip('.')}"
        )
    if _UNREACHABLE.search(text):
        return Trouble(
            Exit.UNREACHABLE,
            "the cluster does not answer, or does not know you: see to the network and to your kubeconfig "
            "(--context chooses another cluster)",
            said.lines[-1],
        )
    return Trouble(Exit.FAILED, f"{what} failed: {said.lines[0]}", *said.lines[1:6])
