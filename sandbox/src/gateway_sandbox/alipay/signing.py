"""RSA2: SHA256withRSA over sorted parameters, or over the bytes of an answer (https://opendocs.alipay.com/common/02kf5q)."""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway_sandbox.alipay.errors import invalid

CHINA = timezone(timedelta(hours=8))
TOLERANCE = timedelta(minutes=15)


def make_credentials(url: str) -> Mapping[str, str]:
    """Keys of a new app and of Alipay; each side gets the public half of the other's."""
    app, alipay = (generate_private_key(65537, 2048) for _ in range(2))
    return {
        "url": f"{url}/gateway.do",
        "app_id": "2021000118600000",
        "private_key": _private(app),
        "far_app_key": _public(app),
        "alipay_public_key": _public(alipay),
        "far_private_key": _private(alipay),
    }


class Signing:
    """Alipay's side of it."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self.app_id = credentials["app_id"]
        app = load_pem_public_key(credentials["far_app_key"].encode())
        own = load_pem_private_key(credentials["far_private_key"].encode(), None)
        if not isinstance(app, RSAPublicKey) or not isinstance(own, RSAPrivateKey):
            raise TypeError("RSA keys are needed")
        self._app, self._own = app, own

    def authenticate(self, given: Mapping[str, str]) -> None:
        """The app's signature over all that was sent, with China's time of now. AlipayError."""
        if given.get("app_id") != self.app_id:
            raise invalid("invalid-app-id", "无效的AppID参数")
        if given.get("sign_type") != "RSA2":
            raise invalid("invalid-signature-type", "不支持的签名类型")
        if given.get("charset", "").lower() != "utf-8" or given.get("version") != "1.0":
            raise invalid("invalid-charset", "charset or version")
        signed = joined({name: value for name, value in given.items() if name != "sign" and value})
        try:
            signature = base64.b64decode(given.get("sign", ""), validate=True)
            self._app.verify(signature, signed.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise invalid("invalid-signature", "验签出错") from None
        try:
            sent = datetime.strptime(given.get("timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
        except ValueError:
            raise invalid("invalid-timestamp", "非法的时间戳参数", signed=True) from None
        if abs(datetime.now(CHINA) - sent) > TOLERANCE:
            raise invalid("invalid-timestamp", "非法的时间戳参数", signed=True)

    def signature(self, text: str) -> str:
        """Alipay's."""
        return base64.b64encode(self._own.sign(text.encode(), PKCS1v15(), SHA256())).decode()

    def signed(self, told: Mapping[str, str]) -> Mapping[str, str]:
        """With Alipay's signature over all but itself and its type, as in notifications."""
        return {**told, "sign_type": "RSA2", "sign": self.signature(joined(told))}


def joined(told: Mapping[str, str]) -> str:
    """What is signed."""
    return "&".join(f"{name}={told[name]}" for name in sorted(told))


def china_time() -> str:
    """Now, as Alipay writes instants."""
    return datetime.now(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _private(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
