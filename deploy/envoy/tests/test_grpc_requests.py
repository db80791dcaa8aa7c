import base64
import threading

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from usher.event.v1 import event_pb2, event_service_pb2, event_service_pb2_grpc
from usher.user.v1 import user_service_pb2, user_service_pb2_grpc


@pytest.fixture
def channel(gateway):
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        yield channel


def test_a_grpc_call_passes_with_its_own_deadline(gateway, channel):
    stub = event_service_pb2_grpc.EventServiceStub(channel)
    event = stub.GetEvent(event_service_pb2.GetEventRequest(name="events/x"), timeout=5)
    assert event.title == "PyCon"
    (call,) = gateway.services.calls
    assert 0 < call.seconds_left <= 5.1  # gRPC rounds up what it sends
    assert call.metadata["correlation-id"] == call.metadata["x-request-id"]


def test_a_refusal_keeps_its_details_over_grpc(channel):
    stub = event_service_pb2_grpc.EventServiceStub(channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetEvent(event_service_pb2.GetEventRequest(name="events/missing"))
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(caught.value).details[0].Unpack(info)
    assert info.reason == "RESOURCE_NOT_FOUND"


def test_a_streaming_rpc_passes(channel):
    stub = event_service_pb2_grpc.EventServiceStub(channel)
    request = event_service_pb2.ImportEventsRequest(json_lines="x" * 10_000_000)
    assert [answer.checked_count for answer in stub.ImportEvents(request)] == [1, 2]


def test_what_the_gateway_refuses_has_a_plain_grpc_status(gateway, channel):
    stub = user_service_pb2_grpc.UserServiceStub(channel)
    expired = [("authorization", f"Bearer {gateway.token(seconds=-700)}"), ("x-usher-user", "forged")]
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetUser(user_service_pb2.GetUserRequest(name="users/x"), metadata=expired)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert caught.value.details() == "Jwt is expired"
    assert gateway.services.calls == []


@pytest.mark.parametrize(
    "path", ["/usher.event.v1.Other/Get", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"]
)
def test_an_unknown_service_is_unimplemented(channel, path):
    with pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary(path)(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_an_unknown_stream_is_refused_while_it_is_still_open(channel):
    """Reflection clients keep their stream open until they are answered."""
    hangs_up = threading.Event()

    def asks():
        yield b""
        hangs_up.wait(30)

    answers = channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")(asks(), timeout=5)
    with pytest.raises(grpc.RpcError) as caught:
        next(answers)
    hangs_up.set()
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_identity_headers_of_a_grpc_client_are_dropped(gateway, channel):
    stub = event_service_pb2_grpc.EventServiceStub(channel)
    forged = [("x-usher-user", "forged"), ("x-envoy-original-path", "forged"), ("correlation-id", "forged")]
    stub.GetEvent(event_service_pb2.GetEventRequest(name="events/x"), metadata=forged)
    assert "forged" not in gateway.services.calls[0].metadata.values()


def frame(flags: int, payload: bytes) -> bytes:
    return bytes([flags]) + len(payload).to_bytes(4, "big") + payload


def frames(body: bytes) -> list[tuple[int, bytes]]:
    found = []
    while body:
        size = int.from_bytes(body[1:5], "big")
        found.append((body[0], body[5 : 5 + size]))
        body = body[5 + size :]
    return found


def test_a_grpc_web_call_passes(gateway, client):
    request = event_service_pb2.GetEventRequest(name="events/x").SerializeToString()
    response = client.post(
        "/usher.event.v1.EventService/GetEvent",
        content=frame(0, request),
        headers={"content-type": "application/grpc-web+proto", "x-grpc-web": "1", "origin": "https://app.example"},
    )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://app.example"
    (_, message), (flags, trailers) = frames(response.content)
    assert event_pb2.Event.FromString(message).title == "PyCon"
    assert flags == 0x80
    assert b"grpc-status:0" in trailers


def test_a_grpc_web_text_call_passes(client):
    request = event_service_pb2.GetEventRequest(name="events/x").SerializeToString()
    kind = "application/grpc-web-text"
    headers = {"content-type": kind, "accept": kind, "x-grpc-web": "1"}
    response = client.post(
        "/usher.event.v1.EventService/GetEvent", content=base64.b64encode(frame(0, request)), headers=headers
    )
    assert response.headers["content-type"].startswith(kind)
    # Message and trailers are encoded one after the other, each with its own padding.
    text = response.content
    body = b"".join(base64.b64decode(text[start : start + 4]) for start in range(0, len(text), 4))
    assert event_pb2.Event.FromString(frames(body)[0][1]).title == "PyCon"
