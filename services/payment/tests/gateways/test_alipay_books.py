"""What Alipay says it has on its books."""

from datetime import UTC, datetime, timedelta

import pytest

from domain_kit.money import Money
from domain_kit.refusals import Unavailable
from payment_service.outbound.gateways.alipay_books import PAGE, entries_of
from payment_service.outbound.gateways.alipay_client import china_instant, china_text

only_alipay = pytest.mark.parametrize("far", ["alipay"], indirect=True)
SINCE = datetime(2027, 3, 1, tzinfo=UTC)


def line(number, kind="交易", direction="收入", amount="19.99", **fields):
    at = china_text(SINCE + timedelta(seconds=number))
    return {
        "account_log_id": str(number), "alipay_order_no": "2027", "merchant_order_no": "a", "type": kind,
        "direction": direction, "trans_amount": amount, "trans_dt": at, **fields,
    }  # fmt: skip


def yuan(text):
    whole, _, rest = text.partition(".")
    return Money(int(whole) * 100 + int(rest.ljust(2, "0")), "CNY")


async def listed(lines, *, since=SINCE, until=SINCE + timedelta(days=1), asked=None, total=None):
    async def ask(method, content):
        if asked is not None:
            asked.append((content["start_time"], content["end_time"], content["page_no"]))
        begin, end = (china_instant(content[name]) for name in ("start_time", "end_time"))
        here = [each for each in lines if begin <= china_instant(each["trans_dt"]) < end]
        first = (int(content["page_no"]) - 1) * PAGE
        return {"total_size": str(len(here)) if total is None else total, "detail_list": here[first : first + PAGE]}

    return await entries_of(ask, yuan, since, until)


@only_alipay
async def test_charges_with_their_fees_and_refunds_are_on_the_books(far):
    begun = datetime.now(UTC) - timedelta(seconds=2)
    order, done = await far.paid()
    await far.gateway.refund(order, done.reference, Money(5000, "CNY"), id="a" * 32)
    entries = await far.gateway.entries(begun, datetime.now(UTC) + timedelta(seconds=2))
    assert [(each.kind, each.key, each.reference, each.amount, each.fee) for each in entries] == [
        ("charge", order.key, done.trace, Money(19_900, "CNY"), Money(119, "CNY")),
        ("refund", order.key, done.trace, Money(5000, "CNY"), Money(0, "CNY")),
    ]
    assert await far.gateway.entries(begun - timedelta(hours=1), begun) == []


async def test_all_pages_of_all_months_are_read_once():
    lines = [line(number, merchant_order_no=str(number)) for number in range(2 * PAGE + 1)]
    asked = []
    entries = await listed(lines, until=SINCE + timedelta(days=45), asked=asked)
    assert [each.key for each in entries] == [str(number) for number in range(2 * PAGE + 1)]
    assert [page for _, _, page in asked] == ["1", "2", "3", "1"]
    assert len(set(asked)) == len(asked)
    assert asked[0][1] == asked[3][0]


async def test_a_fee_belongs_to_its_charge_and_one_that_comes_back_to_the_refund():
    lines = [
        line(2, "收费", "支出", "0.12"), line(1), line(3, "交易退款", "支出", "19.99"), line(4, "收费", "收入", "0.12"),
        line(5, merchant_order_no="b"),
    ]  # fmt: skip
    assert [(each.kind, each.key, each.fee.minor_units) for each in await listed(lines)] == [
        ("charge", "a", 12), ("refund", "a", -12), ("charge", "b", 0),
    ]  # fmt: skip


async def test_what_is_no_trade_or_outside_of_the_time_is_left_out():
    others = [line(1, "提现", "支出"), line(2, "转账", "收入"), line(3, "充值", "收入"), line(-1), line(86_400)]
    assert await listed(others) == []


@pytest.mark.parametrize("broken", [{"type": None}, {"trans_amount": "x"}, {"trans_dt": "2027-03-01 08:00:0x"}])
async def test_lines_that_are_not_understood_are_no_report(broken):
    async def ask(method, content):
        return {"total_size": "1", "detail_list": [{**line(1), **broken}]}

    with pytest.raises(Unavailable, match="GATEWAY_UNAVAILABLE"):
        await entries_of(ask, yuan, SINCE, SINCE + timedelta(days=1))


@pytest.mark.parametrize("total", ["many", "2"])
async def test_a_report_with_a_page_missing_is_none(total):
    """INVARIANT: a report that is not whole is never taken for a time in which less happened."""
    with pytest.raises(Unavailable, match="GATEWAY_UNAVAILABLE"):
        await listed([line(1)], total=total)
