"""Prints the part of requirements.lock that given workspace packages need at run time, hashes included."""

import argparse
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from workspace import LOCK, ROOT, group, inside_closure, members, normalized, third_party

_VIA = re.compile(r"^\s+#\s+(?:via\s+)?(\S.*)$")


def blocks(lock: str) -> dict[str, list[str]]:
    """The lock cut into one text for each pinned line, by project name; a project may be pinned twice, by marker."""
    found: dict[str, list[str]] = defaultdict(list)
    current: list[str] = []
    for line in lock.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            current = [line]
            found[normalized(line)].append("")
        elif current:
            current.append(line)
        if current:
            found[normalized(current[0])][-1] = "\n".join(current)
    return dict(found)


def wanted_by(block: str) -> set[str]:
    """Who asked for a pinned line, read from the "via" comment the lock carries under it."""
    lines = block.splitlines()
    first = next((index for index, line in enumerate(lines) if line.strip().startswith("# via")), len(lines))
    names = (match[1].strip() for line in lines[first:] if (match := _VIA.match(line)))
    return {normalized(name) for name in names if name not in {"via", "-r -"}}


def closure(requirements: Iterable[str], lock: str) -> str:
    """The blocks of the lock that `requirements` reach."""
    pinned = blocks(lock)
    needs: dict[str, set[str]] = defaultdict(set)
    for name, texts in pinned.items():
        for text in texts:
            for parent in wanted_by(text):
                needs[parent].add(name)
    queue, reached = [normalized(requirement) for requirement in requirements], set[str]()
    while queue:
        name = queue.pop()
        if name not in pinned:
            raise SystemExit(f"{name} is declared but not locked: run `make lock`")
        if name not in reached:
            reached.add(name)
            queue.extend(needs[name])
    return "\n".join(text for name in sorted(reached) for text in pinned[name]) + "\n"


def runtime_closure(names: Iterable[str], *, lock: str, extra: Iterable[str] = (), root: Path = ROOT) -> str:
    """What the named workspace packages need at run time, and `extra` requirements, out of the lock."""
    known = {member.name for member in members(root)}
    own = [requirement for member in inside_closure(names, root) for requirement in member.requirements]
    return closure([*third_party(own, known), *extra], lock)


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", nargs="+", help="project name of a workspace package, such as usher-booking-service")
    parser.add_argument("--with-install", action="store_true", help="also what builds the workspace packages in place")
    parser.add_argument("--folders", action="store_true", help="print the workspace folders instead, one a line")
    options = parser.parse_args()
    if options.folders:
        for member in inside_closure(options.package):
            print(member.folder.relative_to(ROOT))
        return
    extra = group("install") if options.with_install else ()
    print(runtime_closure(options.package, lock=LOCK.read_text(), extra=extra), end="")


if __name__ == "__main__":
    main()
