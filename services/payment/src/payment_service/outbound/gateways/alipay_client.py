"""The Alipay SDK with kept connections, China's time on any host, and more than one live key of Alipay's."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from alipay import AliPay
from alipay.exceptions import AliPayException, AliPayValidationError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from domain_kit.refusals import Refusal
from payment_service.outbound.gateways import connections
from payment_service.outbound.gateways.on_the_loop import awaited
from payment_service.outbound.gateways.said_no import refused, refuses_us, unavailable, unknown

GATEWAY = "alipay"
CHINA = timezone(timedelta(hours=8))  # without summer time since 1991
OK = "10000"
FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
# https://opendocs.alipay.com/common/02km9f
REFUSES_US_CODES = frozenset({"20001", "40006"})
REFUSES_US = frozenset({
    "isv.invalid-signature", "isv.missing-signature", "isv.missing-signature-key", "isv.invalid-signature-type",
    "isv.missing-signature-type", "isv.invalid-app-id", "isv.missing-app-id", "isv.invalid-timestamp",
    "isv.insufficient-isv-permissions", "ACQ.ACCESS_FORBIDDEN", "ACQ.PARTNER_ERROR",
})  # fmt: skip
TRY_AGAIN_CODES = frozenset({"20000", "40005"})
TRY_AGAIN = ("SYSTEM_ERROR", "unknow-error", "call-limited")
MALFORMED_CODES = frozenset({"40001", "40002"})


class NoAnswer(Exception):
    """Nobody knows what came of it. code: what an answer says that Alipay has not signed."""

    def __init__(self, code: str = "") -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Answer:
    """code: "" where it is a yes, else Alipay's word for the no. malformed: whatever the state of the order."""

    body: Mapping[str, Any]
    code: str = ""
    malformed: bool = False

    @property
    def is_yes(self) -> bool:
        """Whether it was done."""
        return not self.code

    @property
    def knows_nothing(self) -> bool:
        """Whether there is no such trade: nobody has opened its page or scanned its code."""
        return self.code == "ACQ.TRADE_NOT_EXIST"

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
        return refused(GATEWAY, self.code, malformed=self.malformed)


def answer_of(body: Mapping[str, Any]) -> Answer:
    """A yes or a definite no. Unavailable where asking again may help, and where we are not let in."""
    code, sub_code = str(body.get("code") or ""), str(body.get("sub_code") or "")[:64]
    if code == OK:
        return Answer(body)
    if code in REFUSES_US_CODES or sub_code in REFUSES_US:
        raise refuses_us(GATEWAY, sub_code or code)
    if not code or code in TRY_AGAIN_CODES or sub_code.endswith(TRY_AGAIN):
        raise unavailable()
    return Answer(body, sub_code or code, code in MALFORMED_CODES)


class Client(AliPay):  # type: ignore[misc]
    """Runs `on_the_loop`. Signs with cryptography: the SDK's own way takes twenty times as long.

    url: Alipay's gateway.do. public_keys: Alipay's, any of which may have signed what it says. Only RSA2 is spoken.
    """

    def __init__(
        self,
        url: str,
        http: connections.Connections,
        *,
        app_id: str,
        private_key: str,
        public_keys: Sequence[str],
        notify_url: str,
    ) -> None:
        super().__init__(app_id, notify_url, private_key, public_keys[0], sign_type="RSA2")
        if url:
            self._gateway = url
        self._http = http
        elders = [AliPay(app_id, None, private_key, key, sign_type="RSA2") for key in public_keys[1:]]
        self._key = load_pem_private_key(self.app_private_key.export_key(), None)
        self._theirs = [load_pem_public_key(each.alipay_public_key.export_key()) for each in (self, *elders)]

    def build_body(self, method: str, biz_content: Any = None, **kwargs: Any) -> Any:
        """The SDK's, whose timestamp would be in the time zone of the host."""
        return super().build_body(method, biz_content, timestamp=china_text(datetime.now(UTC)), **kwargs)

    def page_url(self, **order: Any) -> str:
        """Where the payer's browser is sent; nobody is asked."""
        return f"{self._gateway}?{self.api_alipay_trade_page_pay(**order)}"

    def verified_sync_response(self, data: Any, response_type: str) -> Mapping[str, Any]:
        """The signed part of the answer. The SDK itself would open a connection for each call."""
        query: list[str] = []
        body: list[str] = []
        for pair in self.sign_data(data).split("&"):
            (body if pair.startswith("biz_content=") else query).append(pair)
        try:
            address = f"{self._gateway}?{'&'.join(query)}"
            answer = awaited(self._http.request("POST", address, content="&".join(body), headers=FORM))
        except connections.NoAnswer:
            raise NoAnswer from None
        if answer.status_code != 200:
            raise NoAnswer
        try:
            told = self._verify_and_return_sync_response(answer.content.decode(), response_type)
        except AliPayException:
            raise NoAnswer(_unsigned_code(answer.content)) from None
        except (AliPayValidationError, ValueError, AttributeError, TypeError, KeyError):
            raise NoAnswer from None
        if not isinstance(told, dict):
            raise NoAnswer
        return told

    def _sign(self, unsigned_string: str) -> str:
        if not isinstance(self._key, RSAPrivateKey):
            raise TypeError("an RSA key is needed")
        return base64.b64encode(self._key.sign(unsigned_string.encode(), PKCS1v15(), SHA256())).decode()

    def _verify(self, raw_content: str, signature: str) -> bool:
        given = base64.decodebytes(signature.encode())
        return any(_verifies(key, given, raw_content.encode()) for key in self._theirs)


def _verifies(key: object, signature: bytes, signed: bytes) -> bool:
    try:
        if isinstance(key, RSAPublicKey):
            key.verify(signature, signed, PKCS1v15(), SHA256())
            return True
    except InvalidSignature:
        pass
    return False


def china_text(instant: datetime) -> str:
    """As Alipay writes instants."""
    return instant.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def china_instant(text: str) -> datetime:
    """The reverse; ValueError."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)


def _unsigned_code(content: bytes) -> str:
    """Of an answer without a signature, as Alipay gives to those it does not know."""
    told = json.loads(content)
    for part in told.values() if isinstance(told, dict) else ():
        if isinstance(part, dict) and part.get("sub_code"):
            return str(part["sub_code"])[:64]
    return ""
