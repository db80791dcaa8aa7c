"""What differs between two sets of objects, told by the part of Usher it is about."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from usher_cli.release.manifests import HIDDEN, Key, Object, component_of, key_of, shown

Action = Literal["added", "changed", "removed"]
# Every object bears these; a new version changes them everywhere and by themselves they change nothing.
MARKS = ("app.kubernetes.io/version", "helm.sh/chart")
MISSING = None
LINES_KEPT = 200
_REFERENCE = "key {key} of Secret {name}"


@dataclass(frozen=True, slots=True)
class Change:
    """One field: where it is, what it was and what it becomes, None where it is not there, secrets hidden.

    `lines` is how a text of many lines differs; before and after say then how long it is.
    """

    path: str
    before: Any
    after: Any
    lines: tuple[str, ...] = ()

    @property
    def is_mark(self) -> bool:
        """Whether it is a label that says no more than the version."""
        return any(self.path.endswith(f"labels[{mark}]") for mark in MARKS)


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One object that comes, changes or goes."""

    action: Action
    kind: str
    name: str
    fields: tuple[Change, ...] = ()

    @property
    def is_mark(self) -> bool:
        """Whether nothing but labels of the version change."""
        return self.action == "changed" and all(each.is_mark for each in self.fields)


@dataclass(frozen=True, slots=True)
class ComponentChange:
    """What happens to one part of Usher."""

    name: str
    objects: tuple[ObjectChange, ...]

    @property
    def action(self) -> Action:
        """Added or removed when its workload is, or, without one, all of it."""
        workloads = {each.action for each in self.objects if each.kind in {"Deployment", "StatefulSet"}}
        actions = workloads or {each.action for each in self.objects}
        return actions.pop() if len(actions) == 1 else "changed"

    def changes(self, ending: str) -> list[Change]:
        """The changes of fields whose place ends so."""
        return [each for one in self.objects for each in one.fields if each.path.endswith(ending)]

    @property
    def images(self) -> list[Change]:
        """Images that become others."""
        return self.changes("].image")

    @property
    def settings(self) -> list[Change]:
        """Settings of containers that become others."""
        return [each for one in self.objects for each in one.fields if ".env[" in each.path]


def differences(before: Iterable[Object], after: Iterable[Object]) -> list[ComponentChange]:
    """Everything that differs, by component."""
    old, new = _by_key(before), _by_key(after)
    found: defaultdict[str, list[ObjectChange]] = defaultdict(list)
    for key in sorted(old.keys() | new.keys(), key=lambda key: (key[1], key[2])):
        one = _compared(old.get(key), new.get(key))
        if one is not None:
            found[component_of(new.get(key) or old[key])].append(one)
    return [ComponentChange(name, tuple(found[name])) for name in sorted(found)]


def _by_key(objects: Iterable[Object]) -> dict[Key, Object]:
    return {key_of(each): each for each in objects}


def _compared(old: Object | None, new: Object | None) -> ObjectChange | None:
    present = new or old or {}
    kind, name = present["kind"], present["metadata"]["name"]
    if old is None or new is None:
        return ObjectChange("removed" if new is None else "added", kind, name)
    fields = tuple(_masked(kind, each) for each in field_changes("", old, new))
    return ObjectChange("changed", kind, name, fields) if fields else None


def _masked(kind: str, change: Change) -> Change:
    if kind == "Secret" and change.path.startswith(("data", "stringData")):
        before, after = (None if each is None else HIDDEN for each in (change.before, change.after))
        return Change(change.path, before, after)
    return change


def field_changes(path: str, old: Any, new: Any) -> Iterator[Change]:
    """Each field in which two documents differ."""
    if old == new:
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys(), key=str):
            yield from field_changes(_below(path, str(key)), old.get(key, MISSING), new.get(key, MISSING))
    elif _named(old) and _named(new):
        settings = path.endswith(".env")
        olds, news = ({each["name"]: _text(each) if settings else each for each in some} for some in (old, new))
        for name in [*olds, *(name for name in news if name not in olds)]:
            yield from field_changes(f"{path}[{name}]", olds.get(name, MISSING), news.get(name, MISSING))
    else:
        yield _change(path, old, new)


def _below(path: str, key: str) -> str:
    if not path:
        return key
    return f"{path}[{key}]" if "." in key or "/" in key else f"{path}.{key}"


def _named(some: Any) -> bool:
    """Whether it is a list in which things are known by name, each once."""
    if not isinstance(some, list) or not some:
        return False
    names = [each.get("name") for each in some if isinstance(each, Mapping)]
    return len(names) == len(some) == len({str(name) for name in names}) and all(names)


def _text(variable: Mapping[str, Any]) -> str:
    """A variable of a container: its value, or where it comes from."""
    source = (variable.get("valueFrom") or {}).get("secretKeyRef")
    if source:
        return _REFERENCE.format(**source)
    return str(variable.get("value", variable.get("valueFrom", "")))


def _refers(text: Any) -> bool:
    return isinstance(text, str) and text.startswith("key ") and " of Secret " in text


def _change(path: str, old: Any, new: Any) -> Change:
    name = path.rpartition("[")[2].rstrip("]") if path.endswith("]") else path.rpartition(".")[2]
    # The field `key` of a reference names a key and is none; settings are what bears secrets.
    bears = ".env[" in path or "settings" in path
    before, after = (shown(name if bears and not _refers(each) else "", each) for each in (old, new))
    if isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
        olds, news = before.splitlines(), after.splitlines()
        told = list(difflib.unified_diff(olds, news, n=0, lineterm=""))[2:]  # without the two lines that name files
        lines = [line for line in told if not line.startswith("@@")]
        return Change(path, f"{len(olds)} lines", f"{len(news)} lines", tuple(lines[:LINES_KEPT]))
    return Change(path, before, after)
