"""PayPal's webhooks: SHA256withRSA, by a certificate that the message names (https://developer.paypal.com/api/rest/webhooks/rest/)."""

import base64
import json
import logging
import re
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from domain_kit.money import Money
from domain_kit.refusals import Unavailable
from payment_service.domain.gateways import Acknowledgement, Delivery, Notice
from payment_service.outbound.gateways.paypal_disputes import EVENTS, notices_of
from payment_service.outbound.gateways.said_no import bad_body, bad_signature, too_old
from payment_service.outbound.gateways.threads import Threads

OLDEST = timedelta(minutes=5)
PAID = {"CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.COMPLETED"}
FETCH_SECONDS = 2.0
FETCH_APART_SECONDS = 10.0  # between two looks for certificates we do not have: a forger can name any
LARGEST_BYTES = 65_536
log = logging.getLogger(__name__)


def fetched(url: str) -> bytes:
    """The certificate as PEM; httpx.HTTPError. No redirect is followed: it might lead anywhere."""
    with httpx.stream("GET", url, timeout=FETCH_SECONDS, follow_redirects=False) as answer:
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPError("no certificate")
        found = b""
        for part in answer.iter_bytes():
            found += part
            if len(found) > LARGEST_BYTES:
                raise httpx.HTTPError("no certificate is so large")
        return found


class Certificates:
    """Certificates of one folder on one host, fetched when they are first needed, and kept.

    folder: what their addresses begin with, to the letter; nothing else is ever fetched. subject: their common name.
    """

    def __init__(self, folder: str, subject: str, fetch: Callable[[str], bytes] = fetched) -> None:
        self._folder, self._subject, self._fetch = folder, subject, fetch
        self._known: dict[str, x509.Certificate] = {}
        self._last = -FETCH_APART_SECONDS
        self._fetching = threading.Lock()

    def has(self, url: str) -> bool:
        """Whether `key` waits for nobody."""
        return url in self._known

    def key(self, url: str, now: datetime) -> RSAPublicKey | None:
        """The public key, None where it is not one to trust; Unavailable where it cannot be had just now.

        Waits for the fetch, also one that another thread has begun.
        """
        if not re.fullmatch(re.escape(self._folder) + r"[A-Za-z0-9-]{1,100}", url):
            return None
        certificate = self._known.get(url)
        if certificate is None:
            with self._fetching:
                certificate = self._known.get(url) or self._first(url)
        if certificate is None or not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            return None
        key = certificate.public_key()
        return key if isinstance(key, RSAPublicKey) else None

    def _first(self, url: str) -> x509.Certificate | None:
        waited = time.monotonic() - self._last
        if waited < FETCH_APART_SECONDS:
            raise _later(FETCH_APART_SECONDS - waited)
        self._last = time.monotonic()
        try:
            certificate = x509.load_pem_x509_certificate(self._fetch(url))
        except httpx.HTTPError:
            log.warning("a certificate of the gateway cannot be had", extra={"gateway": "paypal"})
            raise _later(FETCH_APART_SECONDS) from None
        except ValueError:
            return None
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if [each.value for each in names] != [self._subject]:
            return None
        self._known[url] = certificate
        self._last = -FETCH_APART_SECONDS
        return certificate


class PayPalWebhooks:
    """FetchingWebhooks of payment_service.domain.gateways.

    webhook_ids: PayPal's ids of our address, any of which may sign. money: reads an amount of PayPal's.
    """

    acknowledgement = Acknowledgement()

    def __init__(
        self, webhook_ids: Sequence[str], certificates: Certificates, money: Callable[[Mapping[str, Any]], Money]
    ) -> None:
        self._read_money = money
        self._webhook_ids, self._certificates = tuple(webhook_ids), certificates
        # Apart from those for calls, so that neither holds up the other.
        self._readers = Threads("paypal-webhooks", size=4)

    async def read_apart(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """As `read`; off the event loop where the certificate has to be fetched."""
        if self._certificates.has(delivery.headers.get("paypal-cert-url", "")):
            return self.read(delivery, now)
        return await self._readers.run(self.read, delivery, now)

    def close_readers(self) -> None:
        """Take no more."""
        self._readers.close()

    def read(self, delivery: Delivery, now: datetime) -> Sequence[Notice]:
        """The order that an order, capture, authorization or refund event is about; of a dispute, how it stands."""
        sent = delivery.headers.get("paypal-transmission-time", "")
        if not self._signed(delivery, sent, now):
            raise bad_signature()
        if abs(now - _instant(sent)) > OLDEST:
            raise too_old()
        try:
            event = json.loads(delivery.body)
            if event.get("event_type") in EVENTS:
                return notices_of(str(event["id"]), event["resource"], self._read_money)
            key, reference = _about(event.get("resource") or {})
            return [Notice(str(event["id"]), key, reference, paid=event.get("event_type") in PAID)]
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            raise bad_body() from None

    def _signed(self, delivery: Delivery, sent: str, now: datetime) -> bool:
        headers = delivery.headers
        transmission = headers.get("paypal-transmission-id", "")
        if headers.get("paypal-auth-algo") != "SHA256withRSA" or not transmission:
            return False
        try:
            _instant(sent)
            given = headers.get("paypal-transmission-sig", "")
            signature = base64.b64decode(given, validate=True)
        except ValueError:
            return False
        if not signature or base64.b64encode(signature).decode() != given:
            return False
        key = self._certificates.key(headers.get("paypal-cert-url", ""), now)
        return key is not None and any(
            _verifies(key, signature, f"{transmission}|{sent}|{id}|{zlib.crc32(delivery.body)}")
            for id in self._webhook_ids
        )


def _verifies(key: RSAPublicKey, signature: bytes, message: str) -> bool:
    try:
        key.verify(signature, message.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, UnicodeEncodeError):
        return False
    return True


def _instant(text: str) -> datetime:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", text, re.ASCII):
        raise ValueError("no time of PayPal's")
    return datetime.fromisoformat(text).astimezone(UTC)


def _about(resource: Mapping[str, object]) -> tuple[str, str]:
    """Our key and PayPal's id of the order. What we give as custom id begins with the key."""
    thing: object = resource
    units = resource.get("purchase_units")
    if isinstance(units, list):
        custom, reference = units[0].get("custom_id"), resource.get("id")
    else:
        custom = resource.get("custom_id")
        for name in ("supplementary_data", "related_ids", "order_id"):
            thing = thing.get(name) or {} if isinstance(thing, dict) else {}
        reference = thing if isinstance(thing, str) else ""
    return str(custom or "").partition(".")[0], str(reference or "")


def _later(seconds: float) -> Unavailable:
    return Unavailable(
        "WEBHOOK_CERTIFICATE_UNAVAILABLE",
        "The certificate of this webhook cannot be had just now.",
        retry_after=timedelta(seconds=seconds),
    )
