"""Domain events as Kafka records: CloudEvents 1.0, Kafka protocol binding 1.0, binary mode."""

from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from domain_kit.backbone import InboxEvent, OutboxEvent
from domain_kit.trails import Trail, last_of
from event_backbone.broker import Headers, Outgoing, Record
from usher.backbone.v1.control_pb2 import LogRefilled

CONTENT_TYPE = b"application/protobuf"
CONTROL_TYPE = LogRefilled.DESCRIPTOR.full_name


class Undecodable(Exception):
    """A record that is no domain event; its text says what is wrong with it."""


def encode_event(event: OutboxEvent, *, topic: str, source: str, traceparent: str = "") -> Outgoing:
    """The record of a domain event. `source` is the CloudEvents source, a URI reference such as "//usher/booking".

    traceparent: of who sends it; by default of who caused it.
    """
    traceparent = traceparent or event.traceparent
    headers: list[tuple[str, bytes]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_type", event.type.encode()),
        ("ce_source", source.encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_time", event.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()),
        ("ce_aggregateversion", str(event.version).encode()),
        ("content-type", CONTENT_TYPE),
    ]
    if event.trail is not None:
        headers.append(("ce_aggregatetrail", event.trail.encode()))
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    if event.correlation_id:
        headers.append(("correlation-id", event.correlation_id.encode()))
    return Outgoing(topic, event.subject.encode(), event.payload, tuple(headers))


def decode_event(record: Record) -> InboxEvent:
    """The domain event in a record; Undecodable where a header is missing or malformed. The payload stays as it is."""
    texts = _texts(record.headers)
    if texts.get("ce_specversion") != "1.0":
        raise Undecodable("header ce_specversion is not 1.0")
    missing = [name for name in ("ce_id", "ce_type", "ce_source", "ce_subject") if not texts.get(name)]
    if missing:
        raise Undecodable(f"missing headers: {', '.join(missing)}")
    return InboxEvent(
        id=texts["ce_id"],
        type=texts["ce_type"],
        source=texts["ce_source"],
        subject=texts["ce_subject"],
        version=_version(texts.get("ce_aggregateversion", "")),
        time=_time(texts.get("ce_time", "")),
        payload=record.value,
        correlation_id=texts.get("correlation-id", ""),
        traceparent=texts.get("traceparent", ""),
        trail=_trail(texts.get("ce_aggregatetrail")),
    )


def encode_refill(topic: str, partition: int, *, epoch: str, lost_from: int, source: str) -> Outgoing:
    """A control record that tells consumers of one partition that its log was filled again."""
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{epoch}-{partition}".encode()),
        ("ce_type", CONTROL_TYPE.encode()),
        ("ce_source", source.encode()),
        ("content-type", CONTENT_TYPE),
    )
    value = LogRefilled(epoch=epoch, lost_from=lost_from).SerializeToString(deterministic=True)
    return Outgoing(topic, None, value, headers, partition)


def decode_refill(record: Record) -> LogRefilled | None:
    """The control message, or None where the record is something else; Undecodable."""
    if dict(record.headers).get("ce_type") != CONTROL_TYPE.encode():
        return None
    try:
        return LogRefilled.FromString(record.value)
    except DecodeError as error:
        raise Undecodable(f"not a {CONTROL_TYPE}: {error}") from error


def _texts(headers: Headers) -> dict[str, str]:
    try:
        return {name: value.decode() for name, value in headers if value is not None}
    except UnicodeDecodeError as error:
        raise Undecodable("a header is not UTF-8") from error


def _version(text: str) -> int:
    # isdecimal alone would let other scripts' digits through.
    if not (text.isascii() and text.isdecimal()) or len(text) > 18 or int(text) < 1:
        raise Undecodable(f"header ce_aggregateversion is not a positive integer: {text[:40]!r}")
    return int(text)


def _trail(text: str | None) -> Trail:
    if text is None:
        return None
    try:
        last_of(text, ())
    except ValueError as error:
        raise Undecodable(f"header ce_aggregatetrail is malformed: {text[:40]!r}") from error
    return text


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Undecodable(f"header ce_time is not an RFC 3339 time: {text[:40]!r}") from error
    if time.tzinfo is None:
        raise Undecodable(f"header ce_time has no zone: {text[:40]!r}")
    return time
