"""What a commit can answer besides yes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain_kit.refusals import AlreadyExists, InvalidArgument


class VersionConflict(Exception):
    """Somebody else wrote first: read again and decide again. `names` are (collection, _id) pairs that had moved on."""

    def __init__(self, names: Sequence[tuple[str, Any]]) -> None:
        super().__init__(", ".join(f"{collection}:{name}" for collection, name in names) or "unknown")
        self.names = tuple(names)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Which of some causes have been served before.

    answers: cause key → the recorded answer ({} when it was recorded without one).
    reused: keys that were used before with another fingerprint.
    """

    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reused: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.answers or self.reused)


class RequestRepeated(Exception):
    """The cause was served before. `answer` is what it got then; who commits many rows looks at `recorded`."""

    def __init__(self, recorded: Recorded) -> None:
        super().__init__(", ".join([*recorded.answers, *recorded.reused]))
        self.recorded = recorded

    @property
    def answer(self) -> Mapping[str, Any]:
        """The one recorded answer; {} when it was recorded without one."""
        return next(iter(self.recorded.answers.values()), {})


def request_id_reused() -> InvalidArgument:
    """The refusal for a known key with another payload."""
    return InvalidArgument.of(
        "request_id", "was used before with another request; choose a new one.", reason="REQUEST_ID_REUSED"
    )


def duplicate(collection: str, name: Any, index: str = "_id_") -> AlreadyExists:
    """RESOURCE_ALREADY_EXISTS for a taken `_id`, else VALUE_TAKEN; metadata: resource, collection, index."""
    metadata = {"resource": str(name), "collection": collection, "index": index}
    if index == "_id_":
        return AlreadyExists("RESOURCE_ALREADY_EXISTS", f"{name} exists already.", metadata=metadata)
    message = f"{name}: another one has the same {index.replace('_', ' ')}."
    return AlreadyExists("VALUE_TAKEN", message, metadata=metadata)


def kind_of(verdict: Exception) -> str:
    """`conflict`, `duplicate` or `repeat`, for metrics."""
    if isinstance(verdict, VersionConflict):
        return "conflict"
    return "duplicate" if isinstance(verdict, AlreadyExists) else "repeat"
