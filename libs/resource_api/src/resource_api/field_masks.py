"""Partial updates by field mask (AIP-134, AIP-161, AIP-203)."""

from collections.abc import Collection
from typing import Any, TypeVar

from google.api import field_behavior_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from domain_kit.refusals import InvalidArgument

M = TypeVar("M", bound=Message)

# More than any resource has; a mask may come with a million paths, each of which would be looked up.
_MOST_PATHS = 200


def mask_paths(patch: Message, mask: FieldMask) -> tuple[str, ...]:
    """The paths an update is about, in proto spelling and without those inside another.

    An empty mask means the fields that `patch` has set, "*" all fields. Paths to OUTPUT_ONLY fields are left out, as
    clients may send back what they read. InvalidArgument UPDATE_MASK_INVALID for a path that does not exist, and for
    more than 200 of them.
    """
    if len(mask.paths) > _MOST_PATHS:
        raise InvalidArgument.of("update_mask", f"must have at most {_MOST_PATHS} paths.", reason="UPDATE_MASK_INVALID")
    if list(mask.paths) == ["*"]:
        wanted = [field.name for field in patch.DESCRIPTOR.fields]
    elif mask.paths:
        wanted = sorted(set(mask.paths))
        wanted = [path for path in wanted if not any(path.startswith(f"{other}.") for other in wanted)]
    else:
        wanted = [field.name for field, _ in patch.ListFields()]
    return tuple(path for path in wanted if not _has(_fields(patch, path), field_behavior_pb2.OUTPUT_ONLY))


def apply_update_mask(stored: M, patch: M, mask: FieldMask, *, immutable: Collection[str] = ()) -> M:
    """A copy of `stored` with the fields of `mask` as in `patch`; a path that `patch` has not set is cleared.

    InvalidArgument FIELD_IMMUTABLE when that would change a field in `immutable` or one marked IMMUTABLE or IDENTIFIER
    in the proto; UPDATE_MASK_INVALID for a path that does not exist.
    """
    updated = type(stored)()
    updated.CopyFrom(stored)
    for path in mask_paths(patch, mask):
        fields = _fields(stored, path)
        fixed = path in immutable or _has(fields, field_behavior_pb2.IMMUTABLE, field_behavior_pb2.IDENTIFIER)
        if fixed:
            if tuple(mask.paths) not in ((), ("*",)) or _is_set(patch, fields):
                _require_same(stored, patch, path, fields)
            continue
        _copy(patch, updated, fields)
    return updated


def _fields(message: Message, path: str) -> list[FieldDescriptor]:
    fields: list[FieldDescriptor] = []
    within: Any = message.DESCRIPTOR
    for part in path.split("."):
        field = within.fields_by_name.get(part) if within is not None else None
        if field is None:
            raise InvalidArgument.of("update_mask", f"{path!r} is not a field.", reason="UPDATE_MASK_INVALID")
        fields.append(field)
        within = None if field.is_repeated else field.message_type
    return fields


def _has(fields: list[FieldDescriptor], *behaviors: int) -> bool:
    return any(
        behavior in behaviors
        for field in fields
        for behavior in field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    )


def _holder(message: Message, fields: list[FieldDescriptor]) -> Message:
    for field in fields[:-1]:
        message = getattr(message, field.name)
    return message


def _is_set(message: Message, fields: list[FieldDescriptor]) -> bool:
    holder, last = _holder(message, fields), fields[-1]
    return bool(holder.HasField(last.name)) if last.has_presence else bool(getattr(holder, last.name))


def _require_same(stored: Message, patch: Message, path: str, fields: list[FieldDescriptor]) -> None:
    last = fields[-1].name
    if getattr(_holder(stored, fields), last) != getattr(_holder(patch, fields), last):
        raise InvalidArgument.of("update_mask", f"{path!r} cannot be changed.", reason="FIELD_IMMUTABLE")


def _copy(source: Message, target: Message, fields: list[FieldDescriptor]) -> None:
    if not _is_set(source, fields):
        if all(_holder(target, fields[: depth + 1]).HasField(field.name) for depth, field in enumerate(fields[:-1])):
            _holder(target, fields).ClearField(fields[-1].name)
        return
    origin, holder, last = _holder(source, fields), _holder(target, fields), fields[-1]
    holder.ClearField(last.name)
    value = getattr(origin, last.name)
    if last.is_repeated:
        getattr(holder, last.name).MergeFrom(value)
    elif last.message_type is not None:
        getattr(holder, last.name).CopyFrom(value)
    else:
        setattr(holder, last.name, value)
