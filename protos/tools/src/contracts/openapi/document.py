"""Puts the OpenAPI document together."""

import json
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from contracts.image import Image, http_rule
from contracts.openapi.operations import Operations
from contracts.openapi.paths import resource_names
from contracts.openapi.schemas import Schemas

_ABOUT = """\
Events, tickets, payments and what follows from them. The same rpcs are there as gRPC and gRPC-Web on the same port.

- **Signing in**: `POST /v1/sessions:signIn` gives an access token; send it as `Authorization: Bearer …`. It lives for
  ten minutes; `POST /v1/sessions:refresh` gives the next.
- **Names**: every resource has a `name` such as `events/{event}`; ids are ULIDs in lower case.
- **Repeating**: mutations take `requestId`. The same id with the same payload gets the first answer again.
- **Changing**: send back the `etag` you read; when somebody else was faster the answer is 409, `ETAG_MISMATCH`.
- **Lists** come in pages: `pageSize`, then `pageToken` from `nextPageToken`.
- **Refusals** are `google.rpc.Status` in JSON; programs look at `reason` in its `ErrorInfo`. Any request may be refused
  with 400 (the field is named), 401, 403, 429 (with a time to wait), 503 and 504; descriptions name what is particular.
- **Bodies**: leave out of the body what stands in the path.
- **Tracing**: answers carry `x-request-id`; name it when you ask us about a request.
"""


def make_document(image: FileDescriptorSet) -> bytes:
    """The OpenAPI 3.1 document of an image with source information, as indented JSON."""
    return (json.dumps(_document(Image(image)), indent=1, ensure_ascii=False) + "\n").encode()


def _document(image: Image) -> dict[str, Any]:
    schemas = Schemas(image)
    refusal = {"application/json": {"schema": schemas.foreign("google.rpc.Status")}}
    paths = _paths(image, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Usher",
            "version": "v1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {
                "name": service.name,
                "description": image.comments.get(service.full_name, "").partition("\n\n")[0],
            }
            for service in image.services()
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": {
                "Refusal": {"description": "A refusal; its code decides the HTTP status.", "content": refusal}
            },
            "schemas": schemas.components(),
        },
    }


def _paths(image: Image, schemas: Schemas) -> dict[str, dict[str, Any]]:
    operations = Operations(image, schemas, resource_names(image))
    paths: dict[str, dict[str, Any]] = {}
    for method in image.methods():
        if http_rule(method) is not None:
            path, verb, operation = operations.of(method)
            paths.setdefault(path, {})[verb] = operation
    return dict(sorted(paths.items()))
