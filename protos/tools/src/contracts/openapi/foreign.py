"""JSON Schema of Google's messages that the contracts use, by protobuf's JSON mapping and their own documentation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Foreign:
    """How a message appears in JSON; `inline` ones are simple values, the others become components."""

    schema: dict[str, Any]
    inline: bool = False
    needs: tuple[str, ...] = ()


def _object(about: str, /, **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "description": about, "properties": dict(properties)}


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _detail(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    properties = {"@type": {"const": f"type.googleapis.com/{name}"}, **schema["properties"]}
    return {**schema, "properties": properties, "required": ["@type"]}


_DETAILS = ("google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo")
_VIOLATION = _object(
    "One wrong field.",
    field=_text("Path of the field in the request."),
    description=_text("What would be right."),
    reason=_text("Stable name of the rule that was broken."),
)

FOREIGN: Mapping[str, Foreign] = {
    "google.protobuf.Timestamp": Foreign(
        {"type": "string", "format": "date-time", "examples": ["2027-05-14T09:00:00Z"]}, inline=True
    ),
    "google.protobuf.Duration": Foreign(
        {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$", "examples": ["900s"]}, inline=True
    ),
    "google.protobuf.FieldMask": Foreign(
        {"type": "string", "examples": ["title,startTime"], "pattern": r"^[A-Za-z0-9_.,*]*$"}, inline=True
    ),
    "google.protobuf.Struct": Foreign({"type": "object", "additionalProperties": True}, inline=True),
    "google.protobuf.Value": Foreign({}, inline=True),
    "google.protobuf.Empty": Foreign({"type": "object"}, inline=True),
    "google.protobuf.BoolValue": Foreign({"type": ["boolean", "null"]}, inline=True),
    "google.protobuf.StringValue": Foreign({"type": ["string", "null"]}, inline=True),
    "google.protobuf.Int32Value": Foreign({"type": ["integer", "null"], "format": "int32"}, inline=True),
    "google.protobuf.Int64Value": Foreign({"type": ["string", "null"], "format": "int64"}, inline=True),
    "google.protobuf.DoubleValue": Foreign({"type": ["number", "null"], "format": "double"}, inline=True),
    "google.type.Money": Foreign(
        _object(
            "An amount of money: `units` whole units of the currency and `nanos` thousand-millionths of one.",
            currencyCode=_text("ISO 4217.", pattern="^[A-Z]{3}$"),
            units=_text("Whole units.", format="int64"),
            nanos={
                "type": "integer",
                "format": "int32",
                "minimum": -999999999,
                "maximum": 999999999,
                "description": "Of the same sign as `units`.",
            },
        )
        | {"examples": [{"currencyCode": "EUR", "units": "49", "nanos": 900000000}]}
    ),
    "google.type.LatLng": Foreign(
        _object(
            "A point on the Earth, WGS 84.",
            latitude={"type": "number", "format": "double", "minimum": -90, "maximum": 90, "description": "Degrees."},
            longitude={
                "type": "number",
                "format": "double",
                "minimum": -180,
                "maximum": 180,
                "description": "Degrees.",
            },
        )
        | {"examples": [{"latitude": 48.8789, "longitude": 2.2833}]}
    ),
    "google.type.Date": Foreign(
        _object(
            "A calendar day.",
            year={"type": "integer", "format": "int32", "minimum": 0, "maximum": 9999},
            month={"type": "integer", "format": "int32", "minimum": 0, "maximum": 12},
            day={"type": "integer", "format": "int32", "minimum": 0, "maximum": 31},
        )
        | {"examples": [{"year": 2027, "month": 5, "day": 14}]}
    ),
    "google.rpc.Status": Foreign(
        _object(
            "Why a request was refused.",
            code={"type": "integer", "format": "int32", "description": "Number of a `google.rpc.Code`."},
            message=_text("For developers, in English."),
            details={
                "type": "array",
                "description": "At most one of each kind.",
                "items": {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in _DETAILS]},
            },
        ),
        needs=_DETAILS,
    ),
    "google.rpc.ErrorInfo": Foreign(
        _detail(
            "google.rpc.ErrorInfo",
            _object(
                "The reason, for programs.",
                reason=_text("Stable, such as `TOKEN_EXPIRED`.", pattern="^[A-Z][A-Z0-9_]+[A-Z0-9]$"),
                domain=_text("Who refused, such as `usher.booking`."),
                metadata={"type": "object", "additionalProperties": {"type": "string"}},
            ),
        )
    ),
    "google.rpc.BadRequest": Foreign(
        _detail(
            "google.rpc.BadRequest",
            _object("The wrong fields.", fieldViolations={"type": "array", "items": _VIOLATION}),
        )
    ),
    "google.rpc.RetryInfo": Foreign(
        _detail(
            "google.rpc.RetryInfo",
            _object(
                "The same request may succeed later.",
                retryDelay=_text("How long to wait, in seconds.", examples=["1s"]),
            ),
        )
    ),
}
