"""What the gateway's transcoder reads of the contracts."""

import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from contracts.compiler import compile_image
from contracts.lean_image import without_options
from contracts.places import Places

ONLY = (descriptor_pb2.MessageOptions(map_entry=True),)


@pytest.fixture(scope="module")
def image() -> descriptor_pb2.FileDescriptorSet:
    places = Places.of_checkout()
    return compile_image(places.protos, places.contract_files(), source_info=False)


def options_in(message: Message) -> list[Message]:
    """All options, whatever they belong to."""
    found = []
    for field, value in message.ListFields():
        if field.type != FieldDescriptor.TYPE_MESSAGE:
            continue
        each = list(value) if field.is_repeated else [value]
        found += each if field.name == "options" else [inner for one in each for inner in options_in(one)]
    return found


def bindings_of(image: descriptor_pb2.FileDescriptorSet) -> dict[str, bytes]:
    """HTTP bindings by rpc."""
    rpcs = [(f"{s.name}/{rpc.name}", rpc.options) for file in image.file for s in file.service for rpc in s.method]
    http = annotations_pb2.http
    return {name: o.Extensions[http].SerializeToString() for name, o in rpcs if o.HasExtension(http)}


def test_only_bindings_and_maps_are_told_apart_by_options(image) -> None:
    lean = without_options(image)
    left = options_in(lean)
    assert len(left) < len(options_in(image)) / 4
    for options in left:
        if isinstance(options, descriptor_pb2.MethodOptions):
            assert [field for field, _ in options.ListFields()] == [annotations_pb2.http]
        else:
            assert options in ONLY
    assert bindings_of(lean) == bindings_of(image)
    assert len(bindings_of(lean)) > 100


def test_nothing_else_is_changed(image) -> None:
    before = image.SerializeToString(deterministic=True)
    lean = without_options(image)
    assert image.SerializeToString(deterministic=True) == before
    fields = [
        [(message.name, [(field.name, field.json_name, field.number, field.type) for field in message.field])
         for file in each.file for message in file.message_type]
        for each in (image, lean)
    ]  # fmt: skip
    assert fields[0] == fields[1]
