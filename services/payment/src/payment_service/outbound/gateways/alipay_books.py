"""What Alipay has on its books: lines of the merchant's account, in pages (https://opendocs.alipay.com/open/02byvc)."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain_kit.money import Money
from payment_service.domain.gateways import Entry
from payment_service.outbound.gateways.alipay_client import china_instant, china_text
from payment_service.outbound.gateways.said_no import unavailable

METHOD = "alipay.data.bill.accountlog.query"
LONGEST = timedelta(days=30)  # at most 31 may be asked for at once
PAGE = 2000
IN, OUT = "收入", "支出"
FEES, REFUNDS, TRADES = "收费", "退款", ("交易", "在线支付")
Page = Mapping[str, Any]


async def entries_of(
    ask: Callable[[str, Mapping[str, str]], Awaitable[Page]],
    money: Callable[[str], Money],
    since: datetime,
    until: datetime,
) -> Sequence[Entry]:
    """From `since` to before `until`, oldest first. Lines that belong to no trade, such as payouts, are left out.

    ask: method and content → a page of lines. Alipay books its fee as a line of its own; here it is part of the charge,
    or, where it comes back, of the refund.
    """
    lines: dict[str, Page] = {}
    begin, end = since.replace(microsecond=0), until + timedelta(seconds=1)
    try:
        while begin < end:
            stop = min(begin + LONGEST, end)
            async for line in _paged(ask, begin, stop):
                lines[line["account_log_id"]] = line
            begin = stop
        found = sorted(_entries(list(lines.values()), money), key=lambda each: (each.time, each.kind))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise unavailable() from None
    return [each for each in found if since <= each.time < until]


async def _paged(
    ask: Callable[[str, Mapping[str, str]], Awaitable[Page]], begin: datetime, end: datetime
) -> AsyncIterator[Page]:
    """All pages. One that is empty before its time is no end: ValueError."""
    span = {"start_time": china_text(begin), "end_time": china_text(end), "page_size": str(PAGE)}
    read, number = 0, 1
    while True:
        page = await ask(METHOD, {**span, "page_no": str(number)})
        lines, total = page.get("detail_list") or [], int(page.get("total_size") or 0)
        for line in lines:
            yield line
        read, number = read + len(lines), number + 1
        if read >= total:
            return
        if not lines:
            raise ValueError("a page is missing")


def _entries(lines: Sequence[Page], money: Callable[[str], Money]) -> Iterator[Entry]:
    fees: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        if FEES in line["type"]:
            sign, kind = (1, "charge") if line["direction"] == OUT else (-1, "refund")
            fees[kind, line["merchant_order_no"]] += sign * money(line["trans_amount"].lstrip("-")).minor_units
    for line in lines:
        amount = money(line["trans_amount"].lstrip("-"))
        kind = _kind(line)
        if kind:
            key = line["merchant_order_no"]
            yield Entry(
                id=line["account_log_id"],
                kind=kind,
                reference=str(line.get("alipay_order_no") or ""),
                key=key,
                amount=amount,
                fee=Money(fees.pop((kind, key), 0), amount.currency),
                time=china_instant(line["trans_dt"]),
            )


def _kind(line: Page) -> str:
    if line["direction"] == OUT and REFUNDS in line["type"]:
        return "refund"
    return "charge" if line["direction"] == IN and line["type"].startswith(TRADES) else ""
