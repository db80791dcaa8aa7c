"""Domain events survive the way into a Kafka record and back; what is none is refused with words."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.backbone import InboxEvent, OutboxEvent
from event_backbone.broker import Record
from event_backbone.records import Undecodable, decode_event, decode_refill, encode_event, encode_refill

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
times = st.datetimes(timezones=st.just(UTC)).map(lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000))
trails = st.sampled_from([None, "", "usher.T=1", "usher.T=2 usher.U=1"])


def read(outgoing):
    return Record(outgoing.topic, outgoing.partition or 0, 7, outgoing.key, outgoing.value, outgoing.headers)


@given(texts, texts, texts, st.integers(1, 2**53), times, st.binary(max_size=50), st.one_of(st.just(""), texts), trails)
def test_every_attribute_of_a_domain_event_comes_back(key, kind, subject, version, time, payload, correlation, trail):
    event = OutboxEvent(key, kind, subject, version, time, payload, correlation, "", row="r", index=0, trail=trail)
    assert decode_event(read(encode_event(event, topic="t", source="//usher/booking"))) == InboxEvent(
        key, kind, "//usher/booking", subject, version, time, payload, correlation, "", trail
    )


def an_event(**changes):
    moment = datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=1)))
    fields = {"id": "e1", "type": "usher.T", "subject": "events/x", "version": 3, "time": moment, "payload": b"p"}
    return OutboxEvent(**fields | changes, correlation_id="c", traceparent="00-1-2-01", row="r", index=0)


def test_headers_are_those_of_cloudevents_binary_mode():
    outgoing = encode_event(an_event(), topic="t", source="//usher/booking")
    assert outgoing.key == b"events/x"
    assert dict(outgoing.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"e1",
        "ce_type": b"usher.T",
        "ce_source": b"//usher/booking",
        "ce_subject": b"events/x",
        "ce_time": b"2026-03-01T08:30:00.000Z",
        "ce_aggregateversion": b"3",
        "content-type": b"application/protobuf",
        "traceparent": b"00-1-2-01",
        "correlation-id": b"c",
    }


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("ce_specversion", b"0.3"),
        ("ce_id", b""),
        ("ce_subject", None),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-03-01T08:30:00"),
        ("ce_aggregateversion", b"0"),
        ("ce_aggregateversion", b"-1"),
        ("ce_aggregateversion", "٣".encode()),
        ("ce_aggregatetrail", b"usher.T=many"),
        ("ce_aggregatetrail", b"usher.T"),
        ("ce_type", b"\xff\xfe"),
    ],
)
def test_a_record_with_a_bad_header_is_undecodable(header, value):
    outgoing = encode_event(an_event(trail=""), topic="t", source="s")
    headers = tuple((name, value if name == header else text) for name, text in outgoing.headers)
    with pytest.raises(Undecodable):
        decode_event(Record("t", 0, 0, outgoing.key, outgoing.value, headers))


def test_a_control_record_comes_back_and_a_domain_event_is_none():
    control = encode_refill("t", 2, epoch="e", lost_from=41, source="s")
    assert control.partition == 2
    assert (decode_refill(read(control)).epoch, decode_refill(read(control)).lost_from) == ("e", 41)
    assert decode_refill(read(encode_event(an_event(), topic="t", source="s"))) is None


def test_a_damaged_control_record_is_undecodable():
    control = read(encode_refill("t", 0, epoch="e", lost_from=1, source="s"))
    with pytest.raises(Undecodable):
        decode_refill(Record("t", 0, 0, None, b"\xff\xff", control.headers))
