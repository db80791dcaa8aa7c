"""Translates protovalidate rules into JSON Schema keywords."""

import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from contracts.image import behaviors, validation
from usher.buf.validate import validate_pb2

Schema = dict[str, Any]

_BOUNDS = {"gt": "exclusiveMinimum", "gte": "minimum", "lt": "exclusiveMaximum", "lte": "maximum"}
_STRING_BOUNDS = {"min_len": "minLength", "max_len": "maxLength", "pattern": "pattern"}
_STRING_FORMATS = ("email", "hostname", "ipv4", "ipv6", "uri", "uuid")  # one of a oneof, named as in JSON Schema
_NUMBERS = {"float", "double", "int32", "uint32", "sint32", "fixed32", "sfixed32"}


def value_keywords(rules: validate_pb2.FieldRules) -> Schema:
    """Keywords for one value; empty when JSON Schema has no word for the rule (64-bit bounds, times, CEL)."""
    kind = rules.WhichOneof("type")
    if kind == "string":
        keywords = _string_keywords(rules.string)
    elif kind in _NUMBERS:
        keywords = _number_keywords(getattr(rules, kind))
    else:
        keywords = {}
    if keywords and rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE:
        return {"anyOf": [{"const": "" if kind == "string" else 0}, keywords]}
    return keywords


def list_keywords(rules: validate_pb2.FieldRules) -> Schema:
    """Keywords for a repeated field."""
    chosen = {"minItems": rules.repeated.min_items, "maxItems": rules.repeated.max_items}
    keywords: Schema = {word: value for word, value in chosen.items() if value}
    if rules.repeated.unique:
        keywords["uniqueItems"] = True
    return keywords


def map_keywords(rules: validate_pb2.FieldRules) -> Schema:
    """Keywords for a map field."""
    chosen = {"minProperties": rules.map.min_pairs, "maxProperties": rules.map.max_pairs}
    return {word: value for word, value in chosen.items() if value}


def sentences(field: FieldDescriptor) -> list[str]:
    """What JSON Schema cannot say about the field, for its description."""
    return [f"{rule.message[:1].upper()}{rule.message[1:]}." for rule in validation(field).cel if rule.message]


def is_required(field: FieldDescriptor) -> bool:
    """A request without the field, or with its zero value, would be refused."""
    rules = validation(field)
    if rules.required or "REQUIRED" in behaviors(field):
        return True
    if field.has_presence or rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE or field.is_repeated:
        return False
    match rules.WhichOneof("type"):
        case "string":
            pattern = rules.string.pattern
            return rules.string.min_len > 0 or bool(pattern and re.search(pattern, "") is None)
        case "enum":
            return 0 in rules.enum.not_in
    return False


def _string_keywords(rules: validate_pb2.StringRules) -> Schema:
    keywords = _present(rules, _STRING_BOUNDS)
    if rules.HasField("len"):
        keywords |= {"minLength": rules.len, "maxLength": rules.len}
    formats = [name for name in _STRING_FORMATS if getattr(rules, name)]
    keywords |= {"format": formats[0]} if formats else {}
    return keywords | _choices(rules)


def _number_keywords(rules: Any) -> Schema:
    return _present(rules, _BOUNDS) | _choices(rules)


def _choices(rules: Any) -> Schema:
    chosen: Schema = {}
    if rules.HasField("const"):
        chosen["const"] = rules.const
    if allowed := list(getattr(rules, "in")):
        chosen["enum"] = allowed
    return chosen


def _present(rules: Message, words: dict[str, str]) -> Schema:
    return {word: getattr(rules, name) for name, word in words.items() if rules.HasField(name)}
