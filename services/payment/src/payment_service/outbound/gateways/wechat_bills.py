"""What WeChat Pay has on its books: a file for each day in China (https://pay.weixin.qq.com/doc/v3/merchant/4012556654)."""

import asyncio
import csv
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from domain_kit.money import Money
from payment_service.domain.capabilities import Capabilities
from payment_service.domain.gateways import Entry
from payment_service.outbound.gateways.said_no import report_not_ready, unavailable
from payment_service.outbound.gateways.wechat_answers import ask, fetch

CHINA = timezone(timedelta(hours=8))
WRITTEN_AT = time(10)  # on the next day
LARGEST = 256 * 1024 * 1024
TOTALS = "总交易单数"
ORDER, KEY, WHEN, STATE, CURRENCY = "微信订单号", "商户订单号", "交易时间", "交易状态", "货币种类"
REFUND, CHARGED, GIVEN_BACK, FEE = "微信退款单号", "订单金额", "申请退款金额", "手续费"


async def entries_of(client: Any, can: Capabilities, since: datetime, until: datetime) -> Sequence[Entry]:
    """From `since` to before `until`, oldest first; a refund has the time at which it was asked for.

    FailedPrecondition GATEWAY_REPORT_NOT_READY while a day's file is not written, which is until ten the next morning.
    """
    found: list[Entry] = []
    day, last = since.astimezone(CHINA).date(), min(until.astimezone(CHINA), datetime.now(CHINA)).date()
    while day <= last:
        found += await _of_day(client, can, day.isoformat())
        day += timedelta(days=1)
    return sorted((each for each in found if since <= each.time < until), key=lambda each: (each.time, each.kind))


async def _of_day(client: Any, can: Capabilities, day: str) -> Sequence[Entry]:
    answer = await ask(client.trade_bill(day))
    if answer.code == "NOSTATEMENTEXIST" and _is_over(day):
        return []
    if answer.code in {"NOSTATEMENTEXIST", "STATEMENTCREATING"}:
        raise report_not_ready(day)
    if not answer.is_yes:
        raise answer.refusal()
    file = await fetch(client.download_bill(answer.text("download_url")))
    return await asyncio.to_thread(_read, can, file, answer.text("hash_value"))


def _is_over(day: str) -> bool:
    written = datetime.combine(datetime.fromisoformat(day).date() + timedelta(days=1), WRITTEN_AT, CHINA)
    return datetime.now(UTC) >= written


def _read(can: Capabilities, file: bytes, wanted: str) -> Sequence[Entry]:
    """The file itself is not signed, but its digest is part of a signed answer."""
    try:
        text = zlib.decompressobj(wbits=31).decompress(file, LARGEST) if file[:2] == b"\x1f\x8b" else file
        if hashlib.sha1(text, usedforsecurity=False).hexdigest() != wanted.lower():
            raise unavailable()
        return [_entry(can, line) for line in _lines(text.decode("utf-8-sig"))]
    except (zlib.error, ValueError, KeyError, ArithmeticError):
        raise unavailable() from None


def _lines(text: str) -> Iterator[Mapping[str, str]]:
    """By column; each value has a backtick before it, which keeps spreadsheets from rounding. Totals come last."""
    rows = csv.reader(text.splitlines())
    columns = [column.strip("`") for column in next(rows, [])]
    for row in rows:
        if row and row[0].strip("`") == TOTALS:
            return
        yield dict(zip(columns, (value.removeprefix("`") for value in row), strict=True))
    raise ValueError("the file ends before its totals")


def _entry(can: Capabilities, line: Mapping[str, str]) -> Entry:
    taken = line[STATE] == "SUCCESS"
    return Entry(
        id=line[ORDER if taken else REFUND],
        kind="charge" if taken else "refund",
        reference=line[ORDER],
        key=line[KEY],
        amount=_money(can, line[CHARGED if taken else GIVEN_BACK], line[CURRENCY]),
        fee=_money(can, line[FEE], line[CURRENCY]),
        time=datetime.fromisoformat(line[WHEN]).replace(tzinfo=CHINA),
    )


def _money(can: Capabilities, yuan: str, currency: str) -> Money:
    """Fees have five digits; of those with a refund WeChat gives a part back, so they are below nothing."""
    return can.money(int((Decimal(yuan) * 100).to_integral_value(ROUND_HALF_UP)), currency)
