"""What the WeChat Pay SDK gives back, sorted (https://pay.weixin.qq.com/doc/v3/merchant/4012081670)."""

import json
import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from domain_kit.refusals import Refusal
from payment_service.outbound.gateways.connections import NoAnswer
from payment_service.outbound.gateways.said_no import refused, refuses_us, unavailable, unknown

log = logging.getLogger(__name__)
GATEWAY = "wechat"
# WeChat has spelled its codes with and without underscores over time; here they have none.
REFUSES_US = frozenset({"SIGNERROR", "NOAUTH", "MCHNOTEXISTS", "APPIDMCHIDNOTMATCH", "ACCOUNTERROR"})
TRY_AGAIN = frozenset({"SYSTEMERROR", "BANKERROR", "FREQUENCYLIMITED"})
UNKNOWN = frozenset({"ORDERNOTEXIST", "RESOURCENOTEXISTS"})


@dataclass(frozen=True, slots=True)
class Answer:
    """code: "" where it is a yes, else WeChat's word for the no, without underscores."""

    status: int
    body: Mapping[str, Any]
    code: str = ""

    @property
    def is_yes(self) -> bool:
        """Whether it was done."""
        return not self.code

    @property
    def knows_nothing(self) -> bool:
        """Whether there is no such order or refund."""
        return self.code in UNKNOWN

    def text(self, name: str) -> str:
        """A field that a yes always has; without it nobody knows what the yes was to."""
        found = self.body.get(name)
        if not isinstance(found, str) or not found:
            raise unavailable()
        return found

    def refusal(self) -> Refusal:
        """The no as a refusal."""
        if self.knows_nothing:
            return unknown()
        return refused(GATEWAY, self.code, malformed=self.status == 400)


async def ask(call: Awaitable[tuple[int, str | bytes]]) -> Answer:
    """A yes or a definite no. Unavailable where nobody knows, where asking again may help, and where we are barred."""
    status, text = await _said(call)
    try:
        body = json.loads(text) if text else {}
    except ValueError:
        body = {}
    if 200 <= status < 300:
        return Answer(status, body if isinstance(body, dict) else {})
    code = str(body.get("code") or "") if isinstance(body, dict) else ""
    code = code.replace("_", "")[:64] or f"HTTP{status}"
    if status == 401 or code in REFUSES_US:
        raise refuses_us(GATEWAY, code)
    if not 400 <= status < 500 or status in {408, 429} or code in TRY_AGAIN:
        raise unavailable()
    return Answer(status, body, code)


async def fetch(call: Awaitable[tuple[int, str | bytes]]) -> bytes:
    """A file, which WeChat does not sign."""
    status, content = await _said(call)
    if status != 200:
        raise unavailable()
    return content.encode() if isinstance(content, str) else content


async def _said(call: Awaitable[tuple[int, str | bytes]]) -> tuple[int, str | bytes]:
    """A yes without WeChat's own signature is none: the SDK raises a bare Exception for it."""
    try:
        return await call
    except NoAnswer:
        raise unavailable() from None
    except Exception as error:
        if type(error) is not Exception or not {"signature", "algorithm:"} & set(str(error).split()):
            raise
        log.warning("an answer without the gateway's signature", extra={"gateway": GATEWAY})
        raise unavailable() from None
