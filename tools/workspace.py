"""The packages of this repository and what each declares to need; standard library only, it runs first of all."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
OWN = "usher-"

_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


@dataclass(frozen=True, slots=True)
class Member:
    """One workspace package: its folder, its normalized project name and its requirements as declared (PEP 508)."""

    folder: Path
    name: str
    requirements: tuple[str, ...]
    scripts: tuple[str, ...]


def normalized(requirement: str) -> str:
    """The project name a requirement starts with, as PEP 503 spells it."""
    match = _NAME.match(requirement)
    if match is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", match[1]).lower()


def settings(root: Path = ROOT) -> dict[str, Any]:
    """The root pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text())


def members(root: Path = ROOT, which: str = "members") -> list[Member]:
    """Every workspace package, in the order of their folders; `which` "runtime" gives those that are started."""
    found = []
    for pattern in settings(root)["tool"]["usher"][which]:
        for description in sorted(root.glob(f"{pattern}/pyproject.toml")):
            project = tomllib.loads(description.read_text())["project"]
            found.append(
                Member(
                    folder=description.parent,
                    name=normalized(project["name"]),
                    requirements=tuple(project.get("dependencies", ())),
                    scripts=tuple(project.get("scripts", ())),
                )
            )
    return found


def group(name: str, root: Path = ROOT) -> tuple[str, ...]:
    """A dependency group of the root pyproject.toml (PEP 735)."""
    return tuple(settings(root)["dependency-groups"][name])


def third_party(requirements: Iterable[str], names: set[str]) -> Iterator[str]:
    """Those requirements that are not workspace packages; a name that only looks like one is refused."""
    for requirement in requirements:
        name = normalized(requirement)
        if name in names:
            continue
        if name.startswith(OWN):
            raise SystemExit(f"{name} is required but is no workspace package (an index could serve a stranger's)")
        yield requirement


def declared(root: Path = ROOT) -> list[str]:
    """Every third-party requirement of the workspace and of the groups, sorted, each once."""
    every = members(root)
    names = {member.name for member in every}
    wanted = {requirement for member in every for requirement in third_party(member.requirements, names)}
    for group_name in settings(root)["dependency-groups"]:
        wanted.update(group(group_name, root))
    return sorted(wanted, key=lambda requirement: (normalized(requirement), requirement))


def inside_closure(wanted: Iterable[str], root: Path = ROOT) -> list[Member]:
    """The workspace packages that the `wanted` ones need, themselves included."""
    by_name = {member.name: member for member in members(root)}
    unknown = sorted(set(wanted) - by_name.keys())
    if unknown:
        raise SystemExit(f"no such workspace package: {', '.join(unknown)} (known: {', '.join(sorted(by_name))})")
    queue, seen = list(wanted), dict[str, Member]()
    while queue:
        member = by_name[queue.pop()]
        if member.name not in seen:
            seen[member.name] = member
            queue.extend(name for name in map(normalized, member.requirements) if name in by_name)
    return sorted(seen.values(), key=lambda member: member.name)
