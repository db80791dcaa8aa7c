"""A voucher loses nothing on the wire, whatever its values."""

from dataclasses import replace
from datetime import UTC, datetime

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from booking_service.domain import domain_events as facts
from booking_service.domain.ports import Condition
from booking_service.domain.pricing.inputs import VoucherKind
from booking_service.domain.voucher import Voucher
from booking_service.domain.voucher_use import VoucherUse
from booking_service.inbound.voucher_servicer import conditions_from_filter
from booking_service.outbound.domain_events import encode
from booking_service.voucher_wire import voucher_from_wire, voucher_to_wire
from domain_kit.money import Money
from domain_kit.refusals import InvalidArgument
from usher.booking.v1 import domain_events_pb2, voucher_pb2

TEXT, COUNT = st.text(max_size=9), st.integers(0, 1000)
TIME = st.none() | st.datetimes(datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2090-01-01")).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
AMOUNT = st.builds(Money, st.integers(0, 2**30), st.sampled_from(["EUR", "JPY", "BHD"]))
BENEFITS = st.one_of(
    st.just((VoucherKind.NONE, 0, None)),
    st.tuples(st.just(VoucherKind.PERCENT), st.integers(1, 10_000), st.none()),
    st.tuples(st.sampled_from([VoucherKind.FIXED, VoucherKind.PRICE]), st.just(0), AMOUNT),
)
LISTS = st.lists(TEXT, max_size=3, unique=True).map(tuple)
AT = datetime(2027, 1, 1, tzinfo=UTC)


@st.composite
def vouchers(draw):
    kind, points, amount = draw(BENEFITS)
    return Voucher(
        "events/e/vouchers/spring", "events/e", "SPRING", AT, AT, draw(TEXT), draw(TEXT), draw(LISTS), draw(LISTS),
        kind, points, amount, draw(COUNT), draw(COUNT), draw(TIME), draw(TIME), draw(st.booleans()), draw(COUNT),
        version=draw(COUNT),
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(vouchers())
def test_a_voucher_comes_back_from_the_wire(voucher):
    bare = Voucher(voucher.name, voucher.event, voucher.code, AT, AT, version=voucher.version)
    assert voucher_from_wire(voucher_to_wire(voucher), bare) == voucher


def test_a_voucher_message_says_every_field():
    voucher = Voucher(
        "events/e/vouchers/spring", "events/e", "SPRING", AT, AT, "tag", "comment", ("t",), ("d",),
        VoucherKind.PERCENT, 1000, None, 5, 2, AT, AT, reveals=True, reserved=3, version=1,
    )  # fmt: skip
    use = VoucherUse("events/e", "spring", uses=1, kept=2)
    said = {
        field.name
        for kind, amount in (
            (VoucherKind.PERCENT, None),
            (VoucherKind.FIXED, Money(5, "EUR")),
            (VoucherKind.PRICE, Money(5, "EUR")),
        )
        for field, _ in voucher_to_wire(replace(voucher, kind=kind, amount=amount), use).ListFields()
    }
    assert said == {field.name for field in voucher_pb2.Voucher.DESCRIPTOR.fields}
    assert (voucher_to_wire(voucher, use).uses, voucher_to_wire(voucher, use).reserved_left) == (1, 2)


@pytest.mark.parametrize("happened", [facts.VoucherCreated(), facts.VoucherChanged(), facts.VoucherDeleted()])
def test_each_domain_event_of_a_voucher_tells_it(make, happened):
    voucher = make.voucher(version=3)
    encoded = encode(happened, voucher)
    assert encoded.type == f"usher.booking.v1.{type(happened).__name__}"
    message = getattr(domain_events_pb2, type(happened).__name__).FromString(encoded.payload)
    assert message.voucher == voucher_to_wire(voucher)


def test_a_filter_asks_for_a_code_in_any_case():
    assert conditions_from_filter('code = "SprinG" AND tag != "press" AND used_up = true') == [
        Condition("voucher", "spring"),
        Condition("tag", "press", same=False),
        Condition("used_up", True),
    ]
    with pytest.raises(InvalidArgument, match="FILTER_INVALID"):
        conditions_from_filter("comment = x")
