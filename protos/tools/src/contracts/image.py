"""Reads a descriptor image: linked descriptors, their comments, and the options the contracts use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from google.api import annotations_pb2, field_behavior_pb2, http_pb2, resource_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from usher.access.v1 import access_pb2
from usher.buf.validate import validate_pb2

# Numbers and names of the fields of descriptor.proto that hold declarations, by message.
_DECLARATIONS = {
    "FileDescriptorProto": {4: "message_type", 5: "enum_type", 6: "service"},
    "DescriptorProto": {2: "field", 3: "nested_type", 4: "enum_type"},
    "EnumDescriptorProto": {2: "value"},
    "ServiceDescriptorProto": {2: "method"},
}


@dataclass(frozen=True)
class Image:
    """A descriptor image that has source information."""

    proto: FileDescriptorSet

    @cached_property
    def files(self) -> list[FileDescriptor]:
        """Our own files, in order of their paths."""
        pool = DescriptorPool()
        for file in self.proto.file:
            pool.AddSerializedFile(file.SerializeToString())
        names = sorted(file.name for file in self.proto.file if file.name.startswith("usher/"))
        return [pool.FindFileByName(name) for name in names]

    @cached_property
    def comments(self) -> Mapping[str, str]:
        """The comment before each service, rpc, message, field, enum and value of ours, keyed by full name (a value's
        below its enum).
        """
        ours = (file for file in self.proto.file if file.name.startswith("usher/"))
        return {name: text for file in ours for name, text in _comments_of(file)}

    def services(self) -> Iterator[ServiceDescriptor]:
        """All services, in order of their files."""
        for file in self.files:
            yield from file.services_by_name.values()

    def methods(self) -> Iterator[MethodDescriptor]:
        """All rpcs, in order of their files."""
        for service in self.services():
            yield from service.methods

    def messages(self) -> Iterator[Descriptor]:
        """All messages, nested ones after those that hold them; without the entries of maps."""
        for file in self.files:
            for message in file.message_types_by_name.values():
                yield from _with_nested(message)


def http_rule(method: MethodDescriptor) -> http_pb2.HttpRule | None:
    """The rpc's google.api.http annotation."""
    options = method.GetOptions()
    return options.Extensions[annotations_pb2.http] if options.HasExtension(annotations_pb2.http) else None


def access_rule(method: MethodDescriptor) -> access_pb2.Rule | None:
    """The rpc's usher.access.v1.rule."""
    options = method.GetOptions()
    return options.Extensions[access_pb2.rule] if options.HasExtension(access_pb2.rule) else None


def validation(field: FieldDescriptor) -> validate_pb2.FieldRules:
    """The field's protovalidate rules; empty when it has none."""
    return field.GetOptions().Extensions[validate_pb2.field]


def behaviors(field: FieldDescriptor) -> list[str]:
    """The field's google.api.field_behavior names."""
    values = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return [field_behavior_pb2.FieldBehavior.Name(value) for value in values]


def resource_patterns(message: Descriptor) -> list[str]:
    """The name patterns of a message that is a resource; empty for any other."""
    options = message.GetOptions()
    if not options.HasExtension(resource_pb2.resource):
        return []
    return list(options.Extensions[resource_pb2.resource].pattern)


def field_at(message: Descriptor, path: str) -> FieldDescriptor | None:
    """The field a dotted path such as `event.name` leads to, if it does."""
    name, _, rest = path.partition(".")
    field = message.fields_by_name.get(name)
    if field is None or not rest:
        return field
    return field_at(field.message_type, rest) if field.message_type else None


def _with_nested(message: Descriptor) -> Iterator[Descriptor]:
    if message.GetOptions().map_entry:
        return
    yield message
    for nested in message.nested_types:
        yield from _with_nested(nested)


def _comments_of(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    for location in file.source_code_info.location:
        name = _name_at(file, list(location.path))
        if name and location.leading_comments:
            lines = (line.strip() for line in location.leading_comments.strip().splitlines())
            yield name, "\n".join(lines)


def _name_at(file: FileDescriptorProto, path: list[int]) -> str | None:
    """Full name of the declaration at a source path; None for anything else (an option, a label, the syntax line)."""
    if not path or len(path) % 2:
        return None
    names = [file.package]
    holder: Any = file
    for number, index in zip(path[::2], path[1::2], strict=True):
        holder = _child(holder, number, index)
        if holder is None:
            return None
        names.append(holder.name)
    return ".".join(names)


def _child(holder: Any, number: int, index: int) -> Any:
    """The declaration in `holder`'s repeated field `number` at `index`; None if that field holds no declarations."""
    attribute = _DECLARATIONS.get(holder.DESCRIPTOR.name, {}).get(number)
    return getattr(holder, attribute)[index] if attribute else None
