"""What a release command says: a few lines for people, one document with stable keys for programs."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape

from usher_cli.output import out
from usher_cli.release.differences import Change, ComponentChange
from usher_cli.release.planning import Plan
from usher_cli.release.rollout import Part

SIGNS = {"added": "[green]+[/]", "changed": "[yellow]~[/]", "removed": "[red]-[/]"}
LINES_SHOWN = 12
NOTHING = "(none)"
_POD = "spec.template.spec."


def plan_document(plan: Plan) -> dict[str, Any]:
    """A plan for programs."""
    before, after = plan.versions
    return {
        "changes": plan.changes,
        "compared_with": {"kind": plan.baseline.kind, "what": plan.baseline.words},
        "kubernetes": plan.kubernetes,
        "context": plan.place.context if plan.place else "",
        "version": {"before": before, "after": after},
        "summary": {action: plan.count(action) for action in ("added", "changed", "removed")},
        "components": [_component_document(each) for each in plan.components],
        "values": [_change_document(each) for each in plan.values],
        "notes": list(plan.notes),
    }


def _component_document(each: ComponentChange) -> dict[str, Any]:
    return {
        "name": each.name,
        "action": each.action,
        "images": [_change_document(change) for change in each.images],
        "settings": [_change_document(change) for change in each.settings],
        "objects": [
            {
                "action": one.action,
                "kind": one.kind,
                "name": one.name,
                "version_labels_alone": one.is_mark,
                "fields": [_change_document(change) for change in one.fields],
            }
            for one in each.objects
        ],
    }


def _change_document(change: Change) -> dict[str, Any]:
    found = {"path": change.path, "before": change.before, "after": change.after}
    return {**found, "lines": list(change.lines)} if change.lines else found


def part_documents(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Parts of a release for programs."""
    return [
        {
            "component": each.component,
            "kind": each.kind,
            "name": each.name,
            "version": each.version,
            "ready": each.ready,
            "wanted": each.wanted,
            "phase": each.phase,
        }
        for each in parts
    ]


def show_plan(plan: Plan, *, details: bool = True) -> None:
    """A plan for people; without `details` a line for each component."""
    console = out()
    console.print(f"compared with {escape(plan.baseline.words)}", soft_wrap=True)
    for note in plan.notes:
        console.print(f"[yellow]note:[/] {escape(note)}")
    if plan.values and details:
        console.print("\n[bold]values[/]")
        for change in plan.values:
            _show_change(change, "  ")
    for each in plan.components:
        _show_component(each, details=details)
    before, after = plan.versions
    version = f"; version {before} → {after}" if before and before != after else ""
    if plan.changes:
        counts = ", ".join(f"{plan.count(action)} {action}" for action in ("added", "changed", "removed"))
        console.print(f"\n{len(plan.components)} components; objects: {counts}{version}")
    else:
        console.print("\nnothing would change")


def _show_component(each: ComponentChange, *, details: bool) -> None:
    console = out()
    said = [_image_line(change) for change in each.images]
    if each.settings:
        said.append(f"{len(each.settings)} settings")
    console.print(
        f"{SIGNS[each.action]} [bold]{escape(each.name)}[/] {escape('; '.join(dict.fromkeys(said)))}".rstrip()
    )
    if not details:
        return
    marks = [f"{one.kind} {one.name}" for one in each.objects if one.is_mark]
    for one in each.objects:
        if one.is_mark:
            continue
        console.print(f"  {SIGNS[one.action]} {one.kind} {escape(one.name)}")
        for change in one.fields:
            if not change.is_mark:
                _show_change(change, "      ")
    if marks:
        console.print(f"    [dim]labels of the version alone: {escape(', '.join(marks))}[/]")


def _image_line(change: Change) -> str:
    if isinstance(change.before, str) and isinstance(change.after, str):
        return f"image {change.before.rpartition('/')[2]} → {change.after.rpartition('/')[2]}"
    return f"image {change.after or 'goes'}"


def _show_change(change: Change, indent: str) -> None:
    console = out()
    before, after = (NOTHING if each is None else _short(each) for each in (change.before, change.after))
    console.print(
        f"{indent}{escape(change.path.removeprefix(_POD))}: {escape(before)} → {escape(after)}", highlight=False
    )
    for line in change.lines[:LINES_SHOWN]:
        console.print(f"{indent}  {escape(line)}", style="green" if line.startswith("+") else "red")
    if len(change.lines) > LINES_SHOWN:
        console.print(f"{indent}  [dim]… {len(change.lines) - LINES_SHOWN} lines more (--json has them)[/]")


def _short(value: Any) -> str:
    text = str(value).replace("\n", " ")
    return text if len(text) <= 160 else f"{text[:157]}…"


def show_parts(rows: Sequence[Mapping[str, Any]]) -> None:
    """Parts of a release as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("component", "workload", "version", "ready"):
        table.add_column(heading)
    for each in rows:
        colour = "green" if each["phase"] == "ready" else "red"
        ready = f"[{colour}]{each['ready']}/{each['wanted']}[/]"
        table.add_row(each["component"], f"{each['kind']} {each['name']}", each["version"], ready)
    out().print(table)
