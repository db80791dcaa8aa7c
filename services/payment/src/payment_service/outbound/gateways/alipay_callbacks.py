"""Notifications of Alipay: a form that carries its signature and the time it was sent.

https://opendocs.alipay.com/open/203/105286
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from alipay.exceptions import AliPayException

from payment_service.domain.gateways import Delivery, Notice
from payment_service.outbound.gateways.alipay_client import Client, china_instant
from payment_service.outbound.gateways.said_no import bad_body, bad_signature, too_old

TOLERANCE_SECONDS = 300
PAID = "TRADE_SUCCESS"
MOST_FIELDS = 100


def read_notification(client: Client, app_id: str, delivery: Delivery, now: datetime) -> Sequence[Notice]:
    """See domain.gateways.Webhooks. Signed with RSA2, for our app, within five minutes: the SDK looks at the first."""
    try:
        pairs = parse_qsl(
            delivery.body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise bad_signature() from None
    told = dict(pairs)
    if len(told) != len(pairs) or not _signed(client, told) or told.get("app_id") != app_id:
        raise bad_signature()
    try:
        sent = china_instant(told["notify_time"])
        paid = told.get("trade_status") == PAID and not float(told.get("refund_fee") or 0)
        notice = Notice(told["notify_id"], key=told.get("out_trade_no", ""), paid=paid)
    except (KeyError, ValueError):
        raise bad_body() from None
    if abs((now - sent).total_seconds()) > TOLERANCE_SECONDS:
        raise too_old()
    return [notice]


def _signed(client: Client, told: dict[str, str]) -> bool:
    """By Alipay with SHA-256, and written in the one way those bytes are written."""
    signature = told.get("sign", "")
    signed = {name: value for name, value in told.items() if name not in {"sign", "sign_type"}}
    if told.get("sign_type") != "RSA2":
        return False
    try:
        if base64.b64encode(base64.b64decode(signature, validate=True)).decode() != signature:
            return False
        return bool(client.verify(signed, signature))
    except (AliPayException, binascii.Error, ValueError):
        return False
