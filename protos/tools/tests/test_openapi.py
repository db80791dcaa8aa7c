import json

import pytest
from openapi_spec_validator import validate

from contracts.image import http_rule


@pytest.fixture(scope="module")
def api(document):
    return json.loads(document)


def operation(api, operation_id: str):
    found = [op for path in api["paths"].values() for op in path.values() if op["operationId"] == operation_id]
    assert len(found) == 1
    return found[0]


def parameter(op, name: str):
    return next(one for one in op["parameters"] if one["name"] == name)


def test_the_document_is_valid_openapi(api):
    validate(api)


def test_every_rpc_with_an_http_annotation_is_an_operation(api, image):
    wanted = {f"{m.containing_service.name}_{m.name}" for m in image.methods() if http_rule(m) is not None}
    assert {op["operationId"] for path in api["paths"].values() for op in path.values()} == wanted


def test_path_variables_are_named_after_the_resource(api):
    op = api["paths"]["/v1/events/{event}/bookings/{booking}:cancel"]["post"]
    names = [one["name"] for one in op["parameters"] if one["in"] == "path"]
    assert names == ["event", "booking"]
    assert parameter(op, "event")["schema"]["pattern"] == "^[a-z0-9]{26}$"


def test_fields_in_the_path_are_not_asked_for_again(api):
    op = operation(api, "BookingService_CancelBooking")
    body = op["requestBody"]["content"]["application/json"]["schema"]
    assert "name" not in body["properties"]
    assert "requestId" in body["properties"]


def test_validation_rules_become_keywords(api):
    event = api["components"]["schemas"]["usher.event.v1.Event"]["properties"]
    assert event["title"]["maxLength"] == 200
    assert event["tags"]["maxItems"] == 20
    assert event["createTime"]["readOnly"] is True
    assert event["createTime"]["format"] == "date-time"
    assert "Must be an http or https address." in event["homepageUri"]["description"]
    size = parameter(operation(api, "BookingService_ListBookings"), "pageSize")
    assert size["schema"]["minimum"] == 0
    assert size["required"] is False


def test_messages_in_a_query_are_taken_apart(api):
    op = operation(api, "SearchService_SearchEvents")
    assert parameter(op, "center.latitude")["schema"]["type"] == "number"
    assert parameter(op, "startAfter")["schema"]["format"] == "date-time"


def test_security_follows_the_access_rule(api):
    assert operation(api, "SearchService_SearchEvents")["security"] == []
    assert operation(api, "UserService_GetUser")["security"] == [{"accessToken": []}]
    assert "`bookings.read`" in operation(api, "BookingService_ListBookings")["description"]


def test_every_operation_may_answer_with_a_status(api):
    operations = [op for path in api["paths"].values() for op in path.values()]
    assert all(op["responses"]["default"] == {"$ref": "#/components/responses/Refusal"} for op in operations)
    status = api["components"]["schemas"]["google.rpc.Status"]["properties"]
    assert set(status) == {"code", "message", "details"}


def test_what_a_request_must_have_is_required(api):
    body = operation(api, "EventService_ImportEvents")["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["jsonLines"]
