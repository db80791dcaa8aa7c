"""The table of roles and the permissions they carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from access.principal import Role


@dataclass(frozen=True, slots=True)
class RoleTable:
    """All known permissions, and those of each role."""

    permissions: frozenset[str]
    of_role: Mapping[Role, frozenset[str]]

    def carries(self, role: Role, permission: str) -> bool:
        """Whether the role carries the permission. ValueError for one the table does not list."""
        self.require_known(permission)
        return permission in self.of_role[role]

    def require_known(self, permission: str) -> None:
        """ValueError for a permission the table does not list."""
        if permission not in self.permissions:
            raise ValueError(f"permission {permission!r} is not listed in access/data/roles.yaml")


@cache
def role_table() -> RoleTable:
    """The table shipped with this package, read once."""
    return parse_role_table(yaml.safe_load(files("access").joinpath("data/roles.yaml").read_text("utf-8")))


def parse_role_table(data: Mapping[str, Any]) -> RoleTable:
    """A table from its file. ValueError on an unknown role, a missing one, or a pattern that matches nothing."""
    known = frozenset(f"{kind}.{action}" for kind, actions in data["permissions"].items() for action in actions)
    table = {Role(role): _expand(patterns, known) for role, patterns in data["roles"].items()}
    missing = set(Role) - set(table)
    if missing:
        raise ValueError(f"roles without permissions: {', '.join(sorted(missing))}")
    return RoleTable(known, table)


def _expand(patterns: list[str], known: frozenset[str]) -> frozenset[str]:
    carried: set[str] = set()
    for pattern in patterns:
        matched = {name for name in known if pattern in ("*", name, f"{name.split('.')[0]}.*")}
        if not matched:
            raise ValueError(f"{pattern!r} matches no permission")
        carried |= matched
    return frozenset(carried)
