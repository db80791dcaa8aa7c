"""What is in the cluster right now, and what the API server would make of it: what others changed by hand shows too."""

import json
from collections.abc import Iterable
from typing import Any

from usher_cli.release.chart import Rendered
from usher_cli.release.manifests import Object, key_of
from usher_cli.release.outcomes import Exit, Trouble
from usher_cli.release.programs import Programs, trouble_of

# What the API server itself keeps with an object.
_KEPT = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink")
# What kubectl apply keeps of the whole object as it was given, data of a Secret included.
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SECONDS = 180.0


def present_objects(programs: Programs, objects: Iterable[Object]) -> list[Object]:
    """Those of `objects` that are there, as they are now. Trouble."""
    asked = ("get", "--filename", "-", "--output", "json", "--ignore-not-found")
    return _answered(programs, "kubectl get", *asked, objects=objects)


def accepted(programs: Programs, made: Rendered) -> Rendered:
    """The same release as the API server would keep it, defaults filled in; hooks are as they were. Trouble."""
    asked = ("apply", "--server-side", "--dry-run=server", "--field-manager=helm", "--force-conflicts")
    objects = _answered(
        programs, "kubectl apply --dry-run=server", *asked, "--filename", "-", "--output", "json",
        objects=[_signed(programs, each) for each in made.objects],
    )  # fmt: skip
    if {key_of(each) for each in objects} != {key_of(each) for each in made.objects}:
        raise Trouble(Exit.FAILED, "the API server answered about other objects than it was asked about")
    return Rendered(tuple(objects), made.hooks, made.values)


def _signed(programs: Programs, each: Object) -> Object:
    """The object as helm sends it: it says there whose it is."""
    target, metadata = programs.target, each["metadata"]
    whose = {"meta.helm.sh/release-name": target.release, "meta.helm.sh/release-namespace": target.namespace}
    return {**each, "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **whose}}}


def _answered(programs: Programs, what: str, *arguments: str, objects: Iterable[Object]) -> list[Object]:
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    said = programs.try_kubectl(*arguments, given=given, seconds=_SECONDS)
    if said.code:
        raise trouble_of(what, said)
    if not said.out.strip():
        return []
    found: dict[str, Any] = json.loads(said.out)
    items = found["items"] if found["kind"] == "List" else [found]
    return [_bare(each) for each in items]


def _bare(each: Object) -> Object:
    metadata = {key: value for key, value in each["metadata"].items() if key not in _KEPT}
    if "annotations" in metadata:
        metadata["annotations"] = {key: value for key, value in metadata["annotations"].items() if key != _APPLIED}
    return {**{key: value for key, value in each.items() if key != "status"}, "metadata": metadata}
