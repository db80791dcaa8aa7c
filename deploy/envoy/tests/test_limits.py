import json
import time

import grpc
import httpx
import pytest

from usher.event.v1 import event_service_pb2, event_service_pb2_grpc


@pytest.fixture(scope="module")
def strict_gateway(start_gateway_once, tmp_path_factory):
    folder = tmp_path_factory.mktemp("strict")
    with start_gateway_once(folder, REQUESTS_PER_SECOND="1", REQUEST_BURST="20", TRUSTED_HOPS="1") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def client_of_strict(strict_gateway):
    with httpx.Client(base_url=strict_gateway.url) as client:
        yield client


def ask(client, address: str, path: str = "/v1/events/x") -> httpx.Response:
    return client.get(path, headers={"x-forwarded-for": address})


def ask_until_refused(client, addresses, path: str = "/v1/events/x") -> tuple[int, httpx.Response]:
    """How many got through, and the refusal. The bucket holds 20 and gains one a second, however slow the machine."""
    began = time.monotonic()
    for passed, address in enumerate(addresses):
        answer = ask(client, address, path)
        if answer.status_code == 429:
            assert 20 <= passed <= 21 + time.monotonic() - began
            return passed, answer
        assert answer.status_code == 200
    raise AssertionError("never refused")


def test_an_address_that_asks_too_often_gets_429_and_others_do_not(client_of_strict):
    _, refused = ask_until_refused(client_of_strict, ["198.51.100.1"] * 2000)
    body = refused.json()
    assert body["code"] == 8
    assert body["details"][0]["reason"] == "RATE_LIMITED"
    assert refused.headers["retry-after"] == "1"
    assert ask(client_of_strict, "198.51.100.2").status_code == 200


def test_an_ipv6_network_counts_as_one_address(client_of_strict):
    ask_until_refused(client_of_strict, [f"2001:db8::{number:x}" for number in range(1, 2001)])
    assert ask(client_of_strict, "2001:db8:1::1").status_code == 200


def test_one_address_cannot_use_up_the_keys_of_all(client_of_strict):
    keys = "/.well-known/jwks.json"
    ask_until_refused(client_of_strict, ["198.51.100.4"] * 2000, keys)
    assert ask(client_of_strict, "198.51.100.5", keys).status_code == 200


def test_a_grpc_client_that_asks_too_often_gets_resource_exhausted(strict_gateway):
    with grpc.insecure_channel(f"127.0.0.1:{strict_gateway.port}") as channel:
        stub = event_service_pb2_grpc.EventServiceStub(channel)
        metadata = [("x-forwarded-for", "198.51.100.3")]
        with pytest.raises(grpc.RpcError) as caught:
            for _ in range(2000):
                stub.GetEvent(event_service_pb2.GetEventRequest(name="events/x"), metadata=metadata)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_token_is_503_while_the_keys_cannot_be_read_and_a_request_without_one_passes(start_gateway_once, tmp_path):
    with start_gateway_once(tmp_path, ready=False, USER_PORT="1") as gateway:
        refused = httpx.get(f"{gateway.url}/v1/events/x", headers={"authorization": f"Bearer {gateway.token()}"})
        assert refused.status_code == 503
        assert refused.json()["code"] == 14
        assert refused.json()["details"][0]["reason"] == "TOKEN_KEYS_UNAVAILABLE"
        assert httpx.get(f"{gateway.url}/v1/events/x").status_code == 200


def test_the_access_log_names_the_request_and_leaves_out_the_query(gateway, client):
    answer = client.get("/v1/events:search?query=somebody%40example.org")
    line = wait_for_line(gateway.access_log, answer.headers["x-request-id"])
    assert line["correlation_id"] == answer.headers["x-request-id"]
    assert line["path"] == "/v1/events:search"
    assert line["rpc"] == "/usher.search.v1.SearchService/SearchEvents"
    assert line["status"] == 200
    assert "somebody" not in json.dumps(line)


def wait_for_line(log, request_id: str) -> dict[str, object]:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        for text in log.read_text().splitlines():
            if request_id in text:
                return json.loads(text)
        time.sleep(0.1)
    raise AssertionError(f"{request_id} is not in the access log")
