"""What WeChat Pay says it has on its books."""

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain_kit.money import Money
from domain_kit.refusals import FailedPrecondition, Unavailable
from payment_service.outbound.capability_files import capabilities_of
from payment_service.outbound.gateways.wechat_bills import CHINA, _money, entries_of

only_wechat = pytest.mark.parametrize("far", ["wechat"], indirect=True)
# A line as WeChat's documentation shows it, with a fee.
COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,"
    "费率,订单金额,申请退款金额,费率备注"
)
LINE = (
    "`2022-03-21 13:51:31,`wx1,`180,`0,`,`4200,`2021W,`o,`NATIVE,`SUCCESS,`OTHERS,`CNY,`0.01,`0.00,`0,`0,`0.00,`0.00,"
    "`,`,`x,`,`0.01500,`0.90%,`2.50,`0.00,`"
)
GOOD = f"{COLUMNS}\n{LINE}\n总交易单数,应结订单总金额\n`1,`2.50".encode("utf-8-sig")
SINCE = datetime(2022, 3, 20, 16, tzinfo=UTC)  # midnight in China


class Files:
    """The SDK's two calls, with answers by day."""

    def __init__(self, content=GOOD, *, digest="", packed=True, refusals=None):
        self.content, self.packed, self.refusals, self.asked = content, packed, refusals or {}, []
        self.digest = digest or hashlib.sha1(content).hexdigest()

    async def trade_bill(self, day):
        self.asked.append(day)
        if day in self.refusals:
            return 400, json.dumps({"code": self.refusals[day], "message": ""})
        return 200, json.dumps({"hash_type": "SHA1", "hash_value": self.digest, "download_url": "https://x/v3/f"})

    async def download_bill(self, url):
        return 200, gzip.compress(self.content) if self.packed else self.content


async def listed(files, since=SINCE, until=SINCE + timedelta(hours=24) - timedelta(seconds=1)):
    return await entries_of(files, capabilities_of("wechat"), since, until)


@only_wechat
async def test_charges_and_refunds_are_on_the_books_with_their_fees(far):
    begun = datetime.now(UTC) - timedelta(seconds=2)
    order, done = await far.paid()
    await far.gateway.refund(order, done.reference, Money(5000, "CNY"), id="a" * 32)
    entries = await far.gateway.entries(begun, datetime.now(UTC) + timedelta(seconds=2))
    assert [(each.kind, each.key, each.reference, each.amount, each.fee) for each in entries] == [
        ("charge", order.key, done.trace, Money(19_900, "CNY"), Money(119, "CNY")),
        ("refund", order.key, done.trace, Money(5000, "CNY"), Money(-30, "CNY")),
    ]
    midnight = begun.astimezone(CHINA).replace(
        hour=0, minute=0, second=0
    )  # the bill of the day before is not there yet
    assert await far.gateway.entries(max(begun - timedelta(hours=1), midnight), begun) == []


@pytest.mark.parametrize("packed", [True, False])
async def test_a_line_is_read_by_its_columns(packed):
    [entry] = await listed(Files(packed=packed))
    assert (entry.id, entry.kind, entry.key, entry.reference) == ("4200", "charge", "2021W", "4200")
    assert (entry.amount, entry.fee) == (Money(250, "CNY"), Money(2, "CNY"))
    assert entry.time == datetime(2022, 3, 21, 5, 51, 31, tzinfo=UTC)


async def test_each_day_in_china_is_asked_for_once_and_what_is_outside_is_left_out():
    files = Files()
    assert await listed(files, SINCE - timedelta(hours=1), SINCE + timedelta(hours=5)) == []
    assert files.asked == ["2022-03-20", "2022-03-21"]


@pytest.mark.parametrize(
    ("content", "digest"),
    [
        (GOOD, "0" * 40),
        (GOOD[:-60], ""),
        (GOOD.replace(b"2.50", b"two"), ""),
        (GOOD.replace("手续费,".encode(), b""), ""),
        (b"\xff", ""),
        (b"", ""),
    ],
)
async def test_a_file_that_was_changed_or_is_cut_is_none(content, digest):
    """INVARIANT: a file that is not whole is never taken for a day on which less happened."""
    with pytest.raises(Unavailable, match="GATEWAY_UNAVAILABLE"):
        await listed(Files(content, digest=digest, packed=content != b"\xff"))


async def test_a_quiet_day_is_empty_and_one_that_is_not_written_yet_is_not():
    assert await listed(Files(refusals={"2022-03-21": "NO_STATEMENT_EXIST"})) == []
    with pytest.raises(FailedPrecondition, match="GATEWAY_REPORT_NOT_READY"):
        await listed(Files(refusals={"2022-03-21": "STATEMENT_CREATING"}))
    now = datetime.now(UTC)
    today = (now + timedelta(hours=8)).date().isoformat()
    with pytest.raises(FailedPrecondition, match="GATEWAY_REPORT_NOT_READY"):
        await listed(Files(refusals={today: "NO_STATEMENT_EXIST"}), now - timedelta(seconds=1), now)


@given(st.integers(-(10**14), 10**14))
def test_yuan_with_five_digits_become_the_nearest_fen(hundred_thousandths):
    yuan = Decimal(hundred_thousandths).scaleb(-5)
    wanted = int((yuan * 100).quantize(Decimal(1), ROUND_HALF_UP))
    assert _money(capabilities_of("wechat"), f"{yuan:.5f}", "CNY") == Money(wanted, "CNY")
