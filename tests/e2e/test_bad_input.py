"""Bad input to every rpc: a typed refusal that names the field, never a failure of ours, and nothing written."""

from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import protovalidate
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from testkit.rpcs import Rpc, call, every_rpc, leaf_fields, put, request_about, resource_patterns

RPCS = [rpc for rpc in every_rpc() if rpc.descriptor.input_type.full_name.startswith("usher.")]
VALIDATOR = protovalidate.Validator()
OURS = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.UNIMPLEMENTED,
}
STRINGS = ("x" * 30_000, "../../etc/passwd", "users/1 OR 1=1", "\x00", "\u202e{{7*7}}<script>", "é" * 5_000)
NUMBERS = (-1, -(2**31), 2**31 - 1)


def bad_values(field: FieldDescriptor) -> tuple[Any, ...]:
    """Values that hardly any field of the type can be meant to hold."""
    if field.enum_type is not None:
        return (99,)
    if field.type == field.TYPE_STRING:
        return STRINGS
    if field.type == field.TYPE_BYTES:
        return (*(text.encode() for text in STRINGS), b"\xff" * 100_000)
    if field.type in (field.TYPE_INT32, field.TYPE_INT64):
        return NUMBERS
    return ()


def spoilt(rpc: Rpc, resources) -> Iterator[tuple[str, Message]]:
    """Requests with one field spoilt, and the path of that field."""
    for path in leaf_fields(rpc.descriptor.input_type):
        dotted = ".".join(field.name for field in path)
        for value in bad_values(path[-1]):
            request = request_about(rpc, resources)
            put(request, dotted, value)
            yield dotted, request


def violated(request: Message) -> set[str]:
    """Fields that break the contract's own rules."""
    found = set()
    for violation in VALIDATOR.collect_violations(request):
        elements = violation.proto.field.elements if violation.proto.field else ()
        found.add(".".join(element.field_name for element in elements))
    return found


def holder(rpc: Rpc, world) -> str:
    """A token whose owner may call the rpc."""
    of_organizer = resource_patterns(rpc).get(rpc.rule.field, "").startswith("organizers/")
    owns = (rpc.rule.owner and not of_organizer) or (rpc.rule.signed_in and "Booking" in rpc.descriptor.name)
    return world.journey.buyer.token if owns else world.journey.owner.token


@pytest.mark.parametrize("rpc", RPCS, ids=[rpc.id for rpc in RPCS])
def test_a_field_that_breaks_the_contract_is_named_and_no_value_breaks_us(rpc: Rpc, channel, world, written) -> None:
    before = written()
    token = holder(rpc, world)
    for dotted, request in spoilt(rpc, world.resources):
        wrong = violated(request)
        if not wrong and not rpc.descriptor.name.startswith(("Get", "List", "Search", "Suggest", "Query")):
            continue  # the contract allows the value, so a mutation may take it
        answered = call(channel, rpc, request, token)
        where = f"{rpc.id} {dotted}: {answered}"
        assert answered.code not in OURS, where
        if dotted in wrong and dotted != rpc.rule.field:
            assert answered.code is grpc.StatusCode.INVALID_ARGUMENT, where
            assert dotted in {field.partition("[")[0] for field in answered.fields}, where
    assert written() == before


LISTS = [rpc for rpc in RPCS if "page_token" in rpc.descriptor.input_type.fields_by_name]


@pytest.mark.parametrize("rpc", LISTS, ids=[rpc.id for rpc in LISTS])
def test_a_forged_page_token_is_refused_and_a_huge_page_is_cut(rpc: Rpc, channel, world) -> None:
    request = request_about(rpc, world.resources)
    put(request, "page_size", 2**31 - 1)
    assert call(channel, rpc, request, holder(rpc, world)).code is grpc.StatusCode.OK
    put(request, "page_token", "AAAABBBBCCCCDDDDAAAABBBBCCCCDDDD")
    answered = call(channel, rpc, request, holder(rpc, world))
    assert (answered.code, answered.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("page_token",))


ETAGGED = [
    rpc
    for rpc in RPCS
    if "etag" in rpc.descriptor.input_type.fields_by_name
    or (
        rpc.descriptor.name.startswith("Update")
        and any(
            "etag" in field.message_type.fields_by_name
            for field in rpc.descriptor.input_type.fields
            if field.message_type
        )
    )
]


@pytest.mark.parametrize("rpc", ETAGGED, ids=[rpc.id for rpc in ETAGGED])
def test_a_stale_etag_is_refused_and_nothing_is_written(rpc: Rpc, channel, world, written) -> None:
    before = written()
    request = request_about(rpc, world.resources)
    field = rpc.rule.field.partition(".")[0]
    prefix = f"{field}." if "." in rpc.rule.field else ""
    put(request, f"{prefix}etag", '"stale"')
    if prefix:
        resource = getattr(request, field)
        editable = [each for each in ("title", "display_name", "text") if each in resource.DESCRIPTOR.fields_by_name]
        if not editable and not hasattr(resource, "sections"):
            pytest.skip("nothing that can be edited without other fields")
        for each in editable[:1]:
            setattr(resource, each, "Changed")
    if "attendee" in request.DESCRIPTOR.fields_by_name:
        request.attendee.display_name, request.attendee.email = "Eve", "eve@example.org"
    if "tickets" in request.DESCRIPTOR.fields_by_name:
        request.tickets.append(world.resources["events/*/bookings/*/tickets/*"])
    answered = call(channel, rpc, request, holder(rpc, world))
    assert (answered.code, answered.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH"), answered
    assert written() == before


def test_there_are_etags_to_try() -> None:
    assert len(ETAGGED) >= 10


POSTED = [rpc for rpc in RPCS if rpc.http_method in ("post", "patch")]


def http_path(rpc: Rpc, world) -> str:
    path = rpc.http_pattern
    for field, pattern in resource_patterns(rpc).items():
        path = path.replace(f"{{{field}={pattern}}}", world.resources[pattern])
    return path


@pytest.mark.parametrize("rpc", POSTED, ids=[rpc.id for rpc in POSTED])
@pytest.mark.parametrize(
    "body",
    ["{", "[]", "7", '{"etag": {"a": 1}, "requestId": {"a": 1}}', "\xff"],
    ids=["cut", "list", "number", "type", "bytes"],
)
def test_a_body_that_is_no_such_message_is_refused_at_the_gateway(rpc: Rpc, body: str, stack, world) -> None:
    response = httpx.request(
        rpc.http_method.upper(),
        stack.url() + http_path(rpc, world),
        content=body.encode("latin-1"),
        headers={"authorization": f"Bearer {holder(rpc, world)}", "content-type": "application/json"},
    )
    assert response.status_code in (400, 404), response.text
    assert response.json()["code"] == 3, response.text


def test_unknown_paths_and_parameters_are_refused_as_json(stack) -> None:
    for path, status, code in (("/v1/nothing", 404, 5), ("/v1/events:search?bogus=1", 400, 3)):
        response = httpx.get(stack.url() + path)
        assert (path, response.status_code, response.json()["code"]) == (path, status, code)
