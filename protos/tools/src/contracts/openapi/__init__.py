"""Writes the OpenAPI document of the HTTP side of the contracts."""

from contracts.openapi.document import make_document

__all__ = ["make_document"]
