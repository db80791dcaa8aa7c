"""Turns messages, enums and fields into JSON Schema, following protobuf's JSON mapping."""

from collections.abc import Collection
from copy import deepcopy

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from contracts.image import Image, behaviors, validation
from contracts.openapi.constraints import Schema, is_required, list_keywords, map_keywords, sentences, value_keywords
from contracts.openapi.foreign import FOREIGN
from usher.buf.validate import validate_pb2

_F = FieldDescriptor
_INTEGER, _LONG = {"type": "integer", "format": "int32"}, {"type": "string", "format": "int64"}
_UNSIGNED, _UNSIGNED_LONG = {**_INTEGER, "minimum": 0, "format": "uint32"}, {"type": "string", "format": "uint64"}
_SCALARS: dict[int, Schema] = {
    _F.TYPE_BOOL: {"type": "boolean"},
    _F.TYPE_STRING: {"type": "string"},
    _F.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    _F.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _F.TYPE_FLOAT: {"type": "number", "format": "float"},
    **dict.fromkeys((_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32), _INTEGER),
    **dict.fromkeys((_F.TYPE_UINT32, _F.TYPE_FIXED32), _UNSIGNED),
    **dict.fromkeys((_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64), _LONG),
    **dict.fromkeys((_F.TYPE_UINT64, _F.TYPE_FIXED64), _UNSIGNED_LONG),
}


class Schemas:
    """Components of one document: what is referred to is described once, under its full protobuf name."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._components: dict[str, Schema] = {}

    def components(self) -> dict[str, Schema]:
        """All that was referred to so far, by name."""
        return dict(sorted(self._components.items()))

    def reference(self, described: Descriptor | EnumDescriptor) -> Schema:
        """A `$ref` to a message or enum, described on first use."""
        name = described.full_name
        if name not in self._components:
            self._components[name] = {}  # a message may hold itself
            self._components[name] = self._describe(described)
        return {"$ref": f"#/components/schemas/{name}"}

    def foreign(self, name: str) -> Schema:
        """A `$ref` to a message of Google's, and all it refers to."""
        if name not in self._components:
            self._components[name] = deepcopy(FOREIGN[name].schema)
            for other in FOREIGN[name].needs:
                self.foreign(other)
        return {"$ref": f"#/components/schemas/{name}"}

    def message(self, message: Descriptor, *, without: Collection[str] = ()) -> Schema:
        """An object schema; fields named in `without` travel elsewhere, in the path."""
        fields = [field for field in message.fields if field.name not in without]
        schema: Schema = {"type": "object"}
        if description := self._image.comments.get(message.full_name):
            schema["description"] = description
        schema["properties"] = {field.json_name: self.field(field) for field in fields}
        if required := [field.json_name for field in fields if is_required(field)]:
            schema["required"] = required
        return schema

    def field(self, field: FieldDescriptor) -> Schema:
        """The schema of one field with its comment, rules and whether clients may write it."""
        rules = validation(field)
        if field.message_type and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            schema = {"type": "object", "additionalProperties": self._value(value, rules.map.values)} | map_keywords(
                rules
            )
        elif field.is_repeated:
            schema = {"type": "array", "items": self._value(field, rules.repeated.items)} | list_keywords(rules)
        else:
            schema = self._value(field, rules)
        return schema | self._annotations(field)

    def _annotations(self, field: FieldDescriptor) -> Schema:
        kinds = behaviors(field)
        words = [self._image.comments.get(field.full_name, ""), *sentences(field)]
        annotations: Schema = {"description": " ".join(word for word in words if word)}
        annotations |= {"readOnly": True} if "OUTPUT_ONLY" in kinds else {}
        annotations |= {"writeOnly": True} if "INPUT_ONLY" in kinds else {}
        annotations |= {"deprecated": True} if field.GetOptions().deprecated else {}
        return annotations

    def _value(self, field: FieldDescriptor, rules: validate_pb2.FieldRules) -> Schema:
        if field.message_type:
            return self._message_value(field.message_type)
        if field.enum_type:
            return self.reference(field.enum_type)
        return {**_SCALARS[field.type], **value_keywords(rules)}

    def _message_value(self, message: Descriptor) -> Schema:
        known = FOREIGN.get(message.full_name)
        if known is None:
            return self.reference(message)
        return deepcopy(known.schema) if known.inline else self.foreign(message.full_name)

    def _describe(self, described: Descriptor | EnumDescriptor) -> Schema:
        if isinstance(described, EnumDescriptor):
            comments = self._image.comments
            name = described.full_name
            lines = [f"- `{value.name}`: {comments.get(f'{name}.{value.name}', '')}" for value in described.values]
            description = "\n".join([comments.get(name, ""), "", *lines])
            return {"type": "string", "enum": [value.name for value in described.values], "description": description}
        return self.message(described)
