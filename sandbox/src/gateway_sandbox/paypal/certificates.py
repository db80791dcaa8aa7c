"""The certificate that webhooks are signed with (https://developer.paypal.com/api/rest/webhooks/rest/)."""

import base64
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

SUBJECT = "messageverificationcerts.sandbox.paypal.com"
FOLDER = "/v1/notifications/certs/"


def make_certificate() -> tuple[str, str]:
    """Private key and certificate as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SUBJECT)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def signed_headers(body: bytes, credentials: Mapping[str, str], transmission: str, now: str) -> Mapping[str, str]:
    """SHA256withRSA over transmission id, time, the webhook's id and the body's CRC-32."""
    signed = f"{transmission}|{now}|{credentials['webhook_id']}|{zlib.crc32(body)}".encode()
    signature = _key_of(credentials["far_key"]).sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return {
        "Content-Type": "application/json",
        "PAYPAL-TRANSMISSION-ID": transmission,
        "PAYPAL-TRANSMISSION-TIME": now,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        "PAYPAL-CERT-URL": f"{credentials['certificates']}CERT-sandbox",
    }


@lru_cache(maxsize=8)
def _key_of(pem: str) -> rsa.RSAPrivateKey:
    """Read once: checking a key takes longer than signing fifty webhooks with it."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("an RSA key is needed")
    return key
