"""The descriptor image as the gateway wants it: what its transcoder reads, and nothing more.

Envoy's transcoder makes a `google.protobuf.Type` of every message it meets, anew with each call, options included.
Rules for validation and the like, which only services read, made a fifth of what a booking cost the gateway
(docs/performance_bookings.md).
"""

from collections.abc import Iterable

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorSet,
    MessageOptions,
    MethodDescriptorProto,
    MethodOptions,
)


def without_options(image: FileDescriptorSet) -> FileDescriptorSet:
    """A copy whose only options are the HTTP bindings of rpcs, and which messages are entries of maps."""
    lean = FileDescriptorSet()
    lean.CopyFrom(image)
    for file in lean.file:
        file.ClearField("options")
        _clear_messages(file.message_type)
        _clear_enums(file.enum_type)
        for extension in file.extension:
            extension.ClearField("options")
        for service in file.service:
            service.ClearField("options")
            for rpc in service.method:
                _keep_binding(rpc)
    return lean


def _clear_messages(messages: Iterable[DescriptorProto]) -> None:
    for message in messages:
        is_entry = message.options.map_entry
        message.ClearField("options")
        if is_entry:
            message.options.CopyFrom(MessageOptions(map_entry=True))
        for part in (*message.field, *message.extension, *message.oneof_decl):
            part.ClearField("options")
        _clear_messages(message.nested_type)
        _clear_enums(message.enum_type)


def _clear_enums(enums: Iterable[EnumDescriptorProto]) -> None:
    for enum in enums:
        enum.ClearField("options")
        for value in enum.value:
            value.ClearField("options")


def _keep_binding(rpc: MethodDescriptorProto) -> None:
    kept = MethodOptions()
    if rpc.options.HasExtension(annotations_pb2.http):
        kept.Extensions[annotations_pb2.http].CopyFrom(rpc.options.Extensions[annotations_pb2.http])
    rpc.ClearField("options")
    if kept.ByteSize():
        rpc.options.CopyFrom(kept)
