"""Notifications of WeChat Pay: signed in headers, closed with the APIv3 key.

https://pay.weixin.qq.com/doc/v3/merchant/4012791861
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from payment_service.domain.gateways import Delivery, Notice
from payment_service.outbound.gateways.said_no import bad_body, bad_signature, too_old

SERIAL, SIGNATURE, TIME = "wechatpay-serial", "wechatpay-signature", "wechatpay-timestamp"
HEADERS = (SERIAL, SIGNATURE, TIME, "wechatpay-nonce", "wechatpay-signature-type")
ALGORITHM = "WECHATPAY2-SHA256-RSA2048"
TOLERANCE_SECONDS = 300
PAID = "TRANSACTION.SUCCESS"


class Callbacks:
    """readers: id of a public key of WeChat's → SDK clients that verify with it, one an APIv3 key that is live."""

    def __init__(self, readers: Mapping[str, Sequence[Any]]) -> None:
        self._readers = readers

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """See domain.gateways.Webhooks. The SDK takes any time and any spelling of base64: both are looked at here."""
        headers = {name: delivery.headers.get(name, "") for name in HEADERS}
        if headers["wechatpay-signature-type"] != ALGORITHM or not _canonical(headers[SIGNATURE]):
            raise bad_signature()
        told = self._told(headers, delivery.body)
        if not headers[TIME].isdecimal() or abs(now.timestamp() - int(headers[TIME])) > TOLERANCE_SECONDS:
            raise too_old()
        try:
            order = str(told["resource"].get("out_trade_no") or "")
            return [Notice(str(told["id"]), key=order, paid=told.get("event_type") == PAID)]
        except (KeyError, AttributeError, TypeError):
            raise bad_body() from None

    def _told(self, headers: Mapping[str, str], body: bytes) -> Any:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise bad_signature() from None
        for reader in self._readers.get(headers[SERIAL], ()):
            try:
                told = reader.callback(headers, text)
            except Exception:  # noqa: BLE001 the SDK raises whatever comes of a signed body it does not expect
                raise bad_body() from None
            if told:
                return told
        raise bad_signature()


def _canonical(signature: str) -> bool:
    """Whether it is the one way to write those bytes: otherwise a changed signature could still be good."""
    try:
        return base64.b64encode(base64.b64decode(signature, validate=True)).decode() == signature != ""
    except (binascii.Error, ValueError):
        return False
