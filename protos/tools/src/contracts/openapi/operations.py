"""Turns one rpc with an http annotation into an OpenAPI operation."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from contracts.image import Image, access_rule, behaviors, field_at, http_rule
from contracts.openapi.constraints import Schema, is_required
from contracts.openapi.foreign import FOREIGN
from contracts.openapi.paths import Segment, bound_fields, expand, segment_pattern, verb_and_template
from contracts.openapi.schemas import Schemas

Operation = dict[str, Any]
_HTTP_BODY = "google.api.HttpBody"
_ULID = "[a-z0-9]{26}"
_EXAMPLE_ID = "01jv8x3m7q2k5t9w4r6y1z0abc"


class Operations:
    """Makes the operations of one document; schemas they refer to end up in `schemas`."""

    def __init__(self, image: Image, schemas: Schemas, names: Mapping[str, str]) -> None:
        self._image, self._schemas, self._names = image, schemas, names

    def of(self, method: MethodDescriptor) -> tuple[str, str, Operation]:
        """Path, HTTP method and operation. Raises `ValueError` for an rpc without an http annotation."""
        rule = http_rule(method)
        if rule is None:
            raise ValueError(f"{method.full_name} has no http annotation")
        verb, template = verb_and_template(rule)
        path, segments = expand(template, self._names)
        bound = {*bound_fields(template), *([rule.body] if rule.body not in {"", "*"} else [])}
        comment = self._image.comments.get(method.full_name, "")
        operation: Operation = {
            "operationId": f"{method.containing_service.name}_{method.name}",
            "tags": [method.containing_service.name],
            "summary": re.split(r"(?<=[.;:])\s", comment, maxsplit=1)[0].rstrip(".;:"),
            "description": "\n\n".join([comment, _access_sentence(method)]),
            "security": [] if _is_public(method) else [{"accessToken": []}],
        }
        parameters = [self._segment(method.input_type, segment) for segment in segments]
        if rule.body != "*":
            parameters += self._query(method.input_type, bound)
        if parameters:
            operation["parameters"] = parameters
        if rule.body:
            operation["requestBody"] = {"required": True, "content": self._body(method, rule.body, template)}
        operation["responses"] = {
            "200": self._answer(method),
            "default": {"$ref": "#/components/responses/Refusal"},
        }
        return path, verb, operation

    def _segment(self, request: Descriptor, segment: Segment) -> Schema:
        field = _field(request, segment.field)
        schema: Schema = {"type": "string"}
        pattern = segment_pattern(segment, field)
        if pattern:
            schema["pattern"] = pattern
        if pattern == f"^{_ULID}$":
            schema["examples"] = [_EXAMPLE_ID]
        description = f"Part of `{segment.field}`: {self._image.comments.get(field.full_name, '')}"
        return {"name": segment.name, "in": "path", "required": True, "description": description, "schema": schema}

    def _query(self, message: Descriptor, bound: set[str], along: tuple[FieldDescriptor, ...] = ()) -> Iterator[Schema]:
        """Every field that is neither in the path nor in the body, messages taken apart into their fields."""
        for field in message.fields:
            fields = (*along, field)
            if ".".join(part.name for part in fields) in bound or "OUTPUT_ONLY" in behaviors(field):
                continue
            if field.message_type is not None and _has_fields_of_its_own(field):
                yield from self._query(field.message_type, bound, fields)
                continue
            schema = self._schemas.field(field)
            yield {
                "name": ".".join(part.json_name for part in fields),
                "in": "query",
                "description": schema.pop("description", ""),
                "required": is_required(field) and not along,
                "schema": schema,
            }

    def _body(self, method: MethodDescriptor, body: str, template: str) -> Schema:
        if method.input_type.full_name == _HTTP_BODY:
            return {"*/*": {"schema": {}}}
        if body != "*":
            return {"application/json": {"schema": self._schemas.field(_field(method.input_type, body))}}
        schema = self._schemas.message(method.input_type, without=bound_fields(template))
        return {"application/json": {"schema": schema}}

    def _answer(self, method: MethodDescriptor) -> Schema:
        if method.output_type.full_name == _HTTP_BODY:
            return {"description": "The bytes, with their own content type.", "content": {"*/*": {"schema": {}}}}
        description = self._image.comments.get(method.output_type.full_name, "OK")
        if method.server_streaming:
            description = f"One JSON object a line, each: {description}"
        content = {"application/json": {"schema": self._schemas.reference(method.output_type)}}
        return {"description": description, "content": content}


def _is_public(method: MethodDescriptor) -> bool:
    rule = access_rule(method)
    return rule is not None and rule.public


def _access_sentence(method: MethodDescriptor) -> str:
    rule = access_rule(method)
    match rule.WhichOneof("who") if rule else None:
        case "public":
            return "**Access**: anyone."
        case "signed_in":
            return "**Access**: anyone signed in."
        case "grant" if rule is not None:
            who = [f"roles with permission `{rule.grant.permission}`"] if rule.grant.permission else []
            who += [f"the user `{rule.grant.resource}` belongs to"] if rule.grant.owner else []
            return f"**Access**: {' or '.join(who)}."
    raise ValueError(f"{method.full_name} has no access rule")


def _field(message: Descriptor, path: str) -> FieldDescriptor:
    field = field_at(message, path)
    if field is None:
        raise ValueError(f"{message.full_name} has no field {path}")
    return field


def _has_fields_of_its_own(field: FieldDescriptor) -> bool:
    if field.message_type is None or field.is_repeated:
        return False
    known = FOREIGN.get(field.message_type.full_name)
    return known is None or not known.inline
