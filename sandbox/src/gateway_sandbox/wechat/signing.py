"""Who signs what: the merchant its requests, WeChat its answers and notifications, which it also encrypts.

https://pay.weixin.qq.com/doc/v3/merchant/4012365342 and, for notifications, …/4012791861.
"""

import base64
import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from gateway_sandbox.wechat.errors import WeChatError, wrong

SCHEME = "WECHATPAY2-SHA256-RSA2048"
FIELDS = ("mchid", "nonce_str", "signature", "timestamp", "serial_no")
TOLERANCE_SECONDS = 300


def make_credentials(url: str) -> Mapping[str, str]:
    """Keys of a new merchant and of WeChat; each side gets the public half of the other's."""
    merchant, wechat = (generate_private_key(65537, 2048) for _ in range(2))
    return {
        "url": url,
        "mchid": "1900009191",
        "appid": "wxd678efh567hg6787",
        "cert_serial_no": secrets.token_hex(20).upper(),
        "private_key": _private(merchant),
        "far_merchant_key": _public(merchant),
        "apiv3_key": secrets.token_hex(16),
        "public_key_id": f"PUB_KEY_ID_{secrets.token_hex(16).upper()}",
        "public_key": _public(wechat),
        "far_private_key": _private(wechat),
    }


class Signing:
    """WeChat's side of it."""

    def __init__(self, credentials: Mapping[str, str]) -> None:
        self._known = credentials
        merchant = load_pem_public_key(credentials["far_merchant_key"].encode())
        own = load_pem_private_key(credentials["far_private_key"].encode(), None)
        if not isinstance(merchant, RSAPublicKey) or not isinstance(own, RSAPrivateKey):
            raise TypeError("RSA keys are needed")
        self._merchant, self._own = merchant, own

    def authenticate(self, method: str, path: str, headers: Mapping[str, str], body: str) -> None:
        """The merchant's signature over the request, not older than five minutes. WeChatError 401, 400."""
        scheme, _, rest = headers.get("Authorization", "").partition(" ")
        given = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme != SCHEME or sorted(given) != sorted(FIELDS):
            raise WeChatError(401, "SIGN_ERROR", "The Authorization header is not of API v3.")
        if given["mchid"] != self._known["mchid"] or given["serial_no"] != self._known["cert_serial_no"]:
            raise WeChatError(401, "SIGN_ERROR", "No such merchant, or no such certificate of it.")
        if not given["timestamp"].isdecimal() or abs(time.time() - int(given["timestamp"])) > TOLERANCE_SECONDS:
            raise WeChatError(401, "SIGN_ERROR", "The timestamp is not of now.")
        if headers.get("Wechatpay-Serial") != self._known["public_key_id"]:
            raise wrong("Wechatpay-Serial names no public key of this merchant's.")
        signed = f"{method}\n{path}\n{given['timestamp']}\n{given['nonce_str']}\n{body}\n"
        try:
            self._merchant.verify(base64.b64decode(given["signature"]), signed.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise WeChatError(401, "SIGN_ERROR", "The signature does not belong to this request.") from None

    def headers_for(self, body: bytes) -> Mapping[str, str]:
        """WeChat's signature over what it says, of now."""
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        signed = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
        return {
            "Wechatpay-Serial": self._known["public_key_id"],
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature-Type": SCHEME,
            "Wechatpay-Signature": base64.b64encode(self._own.sign(signed, PKCS1v15(), SHA256())).decode(),
        }

    def closed(self, kind: str, content: Mapping[str, Any]) -> Mapping[str, str]:
        """The content as a resource that only the holder of the APIv3 key can read."""
        nonce = secrets.token_hex(6)
        cipher = AESGCM(self._known["apiv3_key"].encode())
        text = cipher.encrypt(nonce.encode(), json.dumps(content).encode(), kind.encode())
        return {
            "original_type": kind,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(text).decode(),
            "associated_data": kind,
            "nonce": nonce,
        }


def _private(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _public(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
