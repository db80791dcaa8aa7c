import json

import pytest
from joserfc.jwk import ECKey


def reason_of(response) -> str:
    body = response.json()
    assert set(body) == {"code", "message", "details"}
    assert body["details"][0]["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    return body["details"][0]["reason"]


def test_a_json_request_reaches_the_rpc_and_its_answer_shows_zero_values(gateway, client):
    response = client.get("/v1/events/x")
    assert response.status_code == 200
    assert response.json()["title"] == "PyCon"
    assert response.json()["online"] is False
    assert [call.rpc for call in gateway.services.calls] == ["GetEvent"]


def test_a_refusal_keeps_its_details(client):
    response = client.get("/v1/events/missing")
    assert response.status_code == 404
    details = response.json()["details"]
    assert details[0]["reason"] == "RESOURCE_NOT_FOUND"
    assert details[1]["fieldViolations"][0]["field"] == "name"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nothing"),
        ("GET", "/nothing"),
        ("GET", "/v1/events/x/y/z"),
        ("POST", "/usher.event.v1.EventService/GetEvent"),
        ("POST", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
        ("GET", "/docs/other.js"),
        ("DELETE", "/v1/users/x"),
    ],
)
def test_an_unknown_path_or_method_is_404_and_reaches_no_service(gateway, client, method, path):
    response = client.request(method, path)
    assert response.status_code == 404
    assert response.json()["code"] == 5
    assert reason_of(response) == "PATH_UNKNOWN"
    assert gateway.services.calls == []


def test_an_unknown_query_parameter_is_400_and_named(gateway, client):
    response = client.get("/v1/events/x?colour=red")
    assert response.status_code == 400
    assert response.json()["code"] == 3
    assert "colour" in response.json()["message"]
    assert gateway.services.calls == []


@pytest.mark.parametrize(
    "body", ['{"title', "[1]", '{"title": 5}', '{"state": "UNHEARD_OF"}', '{"startTime": "noon"}', "\xff"]
)
def test_a_malformed_body_is_400_and_reaches_no_service(gateway, client, body):
    response = client.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert response.json()["code"] == 3
    assert reason_of(response) == "REQUEST_MALFORMED"
    assert gateway.services.calls == []


def test_a_field_that_is_in_the_path_may_not_be_in_the_body_too(gateway, client):
    response = client.patch("/v1/users/a", json={"name": "users/b", "displayName": "B"})
    assert response.status_code == 400
    assert gateway.services.calls == []


def test_an_escaped_slash_cannot_smuggle_a_path_segment(gateway, client):
    assert client.get("/v1/events/a%2Fbookings").status_code == 400
    assert gateway.services.calls == []


def test_raw_bodies_pass_both_ways(gateway, client):
    response = client.post("/v1/webhooks/stripe", content=b'{"id":  "evt" }\n', headers={"stripe-signature": "t=1"})
    assert response.content == b'{"id":  "evt" }\n'
    assert response.headers["content-type"] == "text/plain"
    (call,) = gateway.services.calls
    assert call.metadata["stripe-signature"] == "t=1"
    image = client.get("/v1/events/e/bookings/b/tickets/t:qrCode")
    assert (image.headers["content-type"], image.content) == ("image/png", b"\x89PNG")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"id":  "evt" }\n'),
        ("application/x-www-form-urlencoded", b"a=1&b=%2F"),
        ("", b"\xff\x00"),
    ],
)
def test_a_webhook_keeps_its_bytes_its_headers_and_the_address_it_was_sent_to(gateway, client, content_type, body):
    address = "/v1/webhooks/mercadopago?data.id=42&type=payment"
    signed = {"x-signature": "ts=1,v1=a", "x-request-id": "bb56a2f1-6aae-46ac-982e-9dcd3581d08e"}
    headers = {**signed, **({"content-type": content_type} if content_type else {})}
    response = client.post(address, content=body, headers=headers)
    assert (response.status_code, response.content) == (200, body)
    (call,) = gateway.services.calls
    assert (call.request.gateway, call.request.body.data) == ("mercadopago", body)
    assert call.metadata["x-signature"] == signed["x-signature"]
    assert call.metadata["x-signed-request-id"] == signed["x-request-id"] != call.metadata["x-request-id"]
    assert call.metadata["x-envoy-original-path"] == address


def test_a_streaming_rpc_arrives_line_by_line_while_it_runs(gateway, client):
    gateway.services.released.clear()
    with client.stream("GET", "/v1/events/e/availability:watch") as response:
        lines = response.iter_lines()
        first = json.loads(next(lines))
        assert not gateway.services.released.is_set()
        gateway.services.released.set()
        rest = [json.loads(line) for line in lines if line]
    assert first["bookable"] is True
    assert [line["bookable"] for line in rest] == [False]


def test_what_gates_count_arrives_line_by_line_while_it_runs(gateway, client):
    gateway.services.released.clear()
    with client.stream("GET", "/v1/events/e/checkIns:watch") as response:
        lines = response.iter_lines()
        first = json.loads(next(lines))
        assert not gateway.services.released.is_set()
        gateway.services.released.set()
        rest = [json.loads(line) for line in lines if line]
    assert [each["counts"][0]["admittedCount"] for each in (first, *rest)] == ["1", "2"]


def test_a_document_that_comes_in_pieces_arrives_as_one_body(client):
    response = client.get("/v1/events/e/checkInLists/l:download")
    assert response.headers["content-type"] == "application/jose"
    assert response.content == b"head.payload.signature"


def test_a_scan_log_has_more_time_than_other_calls(gateway, client):
    assert client.post("/v1/events/e/checkInLists/l:uploadScanLog", json={"deviceId": "pda"}).status_code == 200
    assert 50 < gateway.services.calls[-1].seconds_left <= 60


def test_the_service_learns_how_long_the_gateway_waits(gateway, client):
    client.get("/v1/events/x")
    assert 10 < gateway.services.calls[0].seconds_left <= 15


def test_headers_only_the_platform_may_set_are_replaced_or_dropped(gateway, client):
    forged = (
        "x-usher-user",
        "x-usher-anything",
        "x-envoy-force-trace",
        "x-envoy-upstream-rq-timeout-ms",
        "x-envoy-original-path",
    )
    ids = ("x-request-id", "correlation-id", "x-correlation-id")
    traces = ("traceparent", "tracestate")  # a sampled one would have every request of a stranger recorded
    ours = dict.fromkeys((*forged, *ids, *traces), "forged")
    response = client.get("/v1/events/x", headers=ours)
    (call,) = gateway.services.calls
    # The one name of it that is passed on is signed by some senders of webhooks, and nothing else is done with it.
    assert [name for name, value in call.metadata.items() if value == "forged"] == ["x-signed-request-id"]
    assert call.metadata["correlation-id"] == call.metadata["x-request-id"] == response.headers["x-request-id"]


def test_a_refused_request_has_a_request_id_too(client):
    first, second = (client.get("/v1/nothing").headers["x-request-id"] for _ in range(2))
    assert first
    assert first != second


def test_a_service_that_is_down_is_503_with_a_time_to_wait(client):
    response = client.get("/v1/users/x/notifications")
    assert response.status_code == 503
    assert response.json()["code"] == 14
    assert response.json()["details"][1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}


def test_a_preflight_is_answered_for_an_allowed_origin_only(gateway, client):
    asked = {"access-control-request-method": "PATCH", "access-control-request-headers": "authorization"}
    allowed = client.options("/v1/events/x", headers={"origin": "https://app.example", **asked})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    foreign = client.options("/v1/events/x", headers={"origin": "https://app.example.evil.test", **asked})
    assert "access-control-allow-origin" not in foreign.headers
    assert gateway.services.calls == []


def test_a_browser_may_read_a_refusal(client):
    response = client.get("/v1/nothing", headers={"origin": "https://app.example"})
    assert response.headers["access-control-allow-origin"] == "https://app.example"


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_good_token_is_passed_on_as_it_came(gateway, client):
    token = gateway.token()
    assert client.get("/v1/users/x", headers=bearer(token)).status_code == 200
    assert gateway.services.calls[0].metadata["authorization"] == f"Bearer {token}"


def test_a_missing_token_is_for_the_service_to_judge(gateway, client):
    assert client.get("/v1/users/x").status_code == 200
    assert len(gateway.services.calls) == 1


def test_an_expired_token_is_401_and_reaches_no_service(gateway, client):
    response = client.get("/v1/users/x", headers=bearer(gateway.token(seconds=-700)))
    assert response.status_code == 401
    assert response.json()["code"] == 16
    assert reason_of(response) == "TOKEN_EXPIRED"
    assert gateway.services.calls == []


@pytest.mark.parametrize("flaw", ["foreign key", "other issuer", "other audience", "no token at all"])
def test_a_wrong_token_is_401_and_reaches_no_service(gateway, client, flaw):
    token = {
        "foreign key": lambda: gateway.token(key=ECKey.generate_key("P-256")),
        "other issuer": lambda: gateway.token(issuer="https://elsewhere.test"),
        "other audience": lambda: gateway.token(audience="elsewhere"),
        "no token at all": lambda: "junk",
    }[flaw]()
    response = client.get("/v1/users/x", headers=bearer(token))
    assert response.status_code == 401
    assert reason_of(response) == "TOKEN_INVALID"
    assert gateway.services.calls == []


def test_an_expired_token_does_not_stop_a_new_session(gateway, client):
    response = client.post("/v1/sessions:signIn", json={}, headers=bearer(gateway.token(seconds=-700)))
    assert response.status_code == 200


def test_an_oversized_body_is_413_and_reaches_no_service(gateway, client):
    response = client.post("/v1/events", content=b'{"title": "' + b"a" * 5_000_000 + b'"}')
    assert response.status_code == 413
    assert reason_of(response) == "REQUEST_TOO_LARGE"
    assert gateway.services.calls == []


def test_an_import_may_be_larger_than_other_requests(gateway, client):
    response = client.post("/v1/organizers/x/events:import", content=b'{"jsonLines": "' + b"a" * 10_000_000 + b'"}')
    assert response.status_code == 200
    assert [json.loads(line)["checkedCount"] for line in response.text.splitlines() if line] == [1, 2]
