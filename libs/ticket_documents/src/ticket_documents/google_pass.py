"""Google Wallet: an event ticket in a signed token that saves it when opened (Google Wallet API, event tickets)."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ticket_documents.content import Admission, Occasion

CONTENT_TYPE = "application/jwt"
ISSUER_NAME = "Usher"


@dataclass(frozen=True, slots=True, repr=False)
class GoogleSigner:
    """A service account that may write to the wallet of an issuer. issuer: its number in the Wallet console."""

    issuer: str
    account: str
    key_id: str
    key: rsa.RSAPrivateKey

    @classmethod
    def from_account(cls, issuer: str, account: str) -> Self:
        """From the service account's key file, JSON as Google gives it. ValueError."""
        try:
            said = json.loads(account)
            email, key_id, pem = said["client_email"], said.get("private_key_id", ""), said["private_key"]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not the key file of a service account") from error
        private = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError("a service account signs with an RSA key")  # noqa: TRY004 what is malformed is the text
        if not issuer.isdigit():
            raise ValueError("an issuer is a number")
        return cls(issuer, email, key_id, private)

    def sign(self, claims: dict[str, Any]) -> str:
        """A JSON Web Token (RFC 7519) with RS256."""
        header = {"alg": "RS256", "typ": "JWT"} | ({"kid": self.key_id} if self.key_id else {})
        signed = f"{_segment(header)}.{_segment(claims)}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), SHA256())
        return f"{signed}.{_base64(signature)}"


def google_pass(
    occasion: Occasion, admission: Admission, signer: GoogleSigner, *, language_code: str, now: datetime
) -> str:
    """The token after `https://pay.google.com/gp/v/save/`.

    With long titles it passes the 1,800 characters that every browser is said to keep in an address.
    """
    payload = pass_payload(occasion, admission, issuer=signer.issuer, language_code=language_code)
    claims = {"iss": signer.account, "aud": "google", "typ": "savetowallet", "iat": int(now.timestamp())}
    return signer.sign({**claims, "payload": payload})


def pass_payload(occasion: Occasion, admission: Admission, *, issuer: str, language_code: str) -> dict[str, Any]:
    """The event as an EventTicketClass, the ticket as an EventTicketObject (REST resources of these names)."""
    event_class = f"{issuer}.event-{occasion.event.rpartition('/')[2]}"
    described: dict[str, Any] = {
        "id": event_class,
        "issuerName": ISSUER_NAME,
        "reviewStatus": "UNDER_REVIEW",
        "eventId": occasion.event.rpartition("/")[2],
        "eventName": _localized(occasion.title, language_code),
        "dateTime": {
            "start": _local(occasion.start_time, occasion.time_zone),
            "end": _local(occasion.end_time, occasion.time_zone),
        },
    }
    if occasion.venue and occasion.address:  # the format wants both or no venue
        described["venue"] = {
            "name": _localized(occasion.venue, language_code),
            "address": _localized(occasion.address, language_code),
        }
    if occasion.location is not None:
        latitude, longitude = occasion.location
        described["merchantLocations"] = [{"latitude": latitude, "longitude": longitude}]
    if occasion.homepage_uri:
        described["homepageUri"] = {"uri": occasion.homepage_uri}
    ticket: dict[str, Any] = {
        "id": f"{issuer}.ticket-{admission.id}",
        "classId": event_class,
        "state": "ACTIVE",
        "ticketNumber": admission.id,
        "ticketType": _localized(admission.display_name, language_code),
        "reservationInfo": {"confirmationCode": admission.booking_number},
        "barcode": {"type": "QR_CODE", "value": admission.code},
    }
    if admission.attendee:
        ticket["ticketHolderName"] = admission.attendee
    if admission.seat:
        ticket["seatInfo"] = {"seat": _localized(admission.seat, language_code)}
    return {"eventTicketClasses": [described], "eventTicketObjects": [ticket]}


def _localized(text: str, language: str) -> dict[str, Any]:
    return {"defaultValue": {"language": language, "value": text}}


def _local(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")


def _segment(content: dict[str, Any]) -> str:
    return _base64(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
