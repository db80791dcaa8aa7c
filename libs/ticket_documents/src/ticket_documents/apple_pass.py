"""Apple Wallet passes: pass.json, pictures, manifest and signature in one archive (Wallet Developer Guide)."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key, pkcs7
from cryptography.x509.oid import NameOID

from localization import format_period
from ticket_documents.content import Admission, Occasion
from ticket_documents.pictures import ticket_icon
from ticket_documents.texts import texts_for

CONTENT_TYPE = "application/vnd.apple.pkpass"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, repr=False)
class AppleSigner:
    """The pass type certificate with its key and Apple's certificates above it (WWDR)."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @classmethod
    def from_pem(cls, certificates: str, key: str) -> Self:
        """From PEM texts: the pass type certificate and then those above it; its RSA key. ValueError."""
        first, *above = x509.load_pem_x509_certificates(certificates.encode())
        private = load_pem_private_key(key.encode(), password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError("a pass is signed with an RSA key")  # noqa: TRY004 what is malformed is the text
        if private.public_key() != first.public_key():
            raise ValueError("the key is not that of the first certificate")
        signer = cls(first, private, tuple(above))
        if not signer.pass_type or not signer.team:
            raise ValueError("the first certificate names no pass type (UID) and team (OU)")
        return signer

    @property
    def pass_type(self) -> str:
        """passTypeIdentifier, which the certificate's subject names as UID."""
        return self._subject(NameOID.USER_ID)

    @property
    def team(self) -> str:
        """teamIdentifier, the subject's OU."""
        return self._subject(NameOID.ORGANIZATIONAL_UNIT_NAME)

    @property
    def organization(self) -> str:
        """Whom the pass shows as its sender, the subject's O."""
        return self._subject(NameOID.ORGANIZATION_NAME) or self.team

    def sign(self, content: bytes) -> bytes:
        """A detached PKCS #7 signature in DER, with the time of signing."""
        builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
        builder = builder.add_signer(self.certificate, self.key, SHA256())
        for each in self.above:
            builder = builder.add_certificate(each)
        return builder.sign(Encoding.DER, [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary])

    def _subject(self, what: x509.ObjectIdentifier) -> str:
        found = self.certificate.subject.get_attributes_for_oid(what)
        return str(found[0].value) if found else ""


def apple_pass(
    occasion: Occasion, admission: Admission, signer: AppleSigner, *, language_code: str, logo: bytes | None = None
) -> bytes:
    """The archive a telephone opens; `logo` is a PNG image."""
    content = pass_content(
        occasion, admission, pass_type=signer.pass_type, team=signer.team, organization=signer.organization,
        language_code=language_code,
    )  # fmt: skip
    files = {"pass.json": json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()}
    files |= {f"icon{suffix}.png": ticket_icon(29 * times) for times, suffix in ((1, ""), (2, "@2x"), (3, "@3x"))}
    if logo is not None:
        files["logo.png"] = logo
    files["manifest.json"] = json.dumps(manifest_of(files)).encode()
    files["signature"] = signer.sign(files["manifest.json"])
    return _archive(files)


def manifest_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """File → SHA-1 in hexadecimal, as the format demands; what protects it is the signature over the manifest."""
    return {name: hashlib.sha1(content, usedforsecurity=False).hexdigest() for name, content in files.items()}


def pass_content(
    occasion: Occasion, admission: Admission, *, pass_type: str, team: str, organization: str, language_code: str
) -> dict[str, Any]:
    """pass.json of an event ticket (Pass Package Format: top-level keys, field dictionaries)."""
    texts = texts_for(language_code)
    when = format_period(occasion.start_time, occasion.end_time, occasion.time_zone, language_code)
    zone_start = occasion.start_time.astimezone(UTC).isoformat(timespec="seconds")
    content: dict[str, Any] = {
        "formatVersion": 1,
        "passTypeIdentifier": pass_type,
        "teamIdentifier": team,
        "organizationName": organization,
        "serialNumber": admission.id,
        "description": f"{texts.ticket}: {occasion.title}",
        "relevantDate": zone_start,
        "expirationDate": occasion.end_time.astimezone(UTC).isoformat(timespec="seconds"),
        "groupingIdentifier": occasion.event,
        "sharingProhibited": True,
        "backgroundColor": "rgb(255, 255, 255)",
        "foregroundColor": "rgb(20, 23, 28)",
        "labelColor": "rgb(95, 104, 117)",
        "barcodes": [
            {"format": "PKBarcodeFormatQR", "message": admission.code, "messageEncoding": "iso-8859-1"},
        ],
        "eventTicket": {
            "primaryFields": [_field("event", texts.ticket, occasion.title)],
            "secondaryFields": [_field("when", texts.when, when)],
            "auxiliaryFields": [
                *_fields(("type", texts.ticket, admission.display_name), ("seat", texts.seat, admission.seat)),
                *_fields(("attendee", texts.attendee, admission.attendee)),
            ],
            "backFields": [
                *_fields(("where", texts.where, occasion.place)),
                *_fields(("booking", texts.booking_number, admission.booking_number)),
                _field("note", texts.ticket, texts.admits_once),
            ],
        },
    }
    if occasion.location is not None:
        latitude, longitude = occasion.location
        content["locations"] = [{"latitude": latitude, "longitude": longitude}]
    return content


def _fields(*fields: tuple[str, str, str]) -> list[dict[str, str]]:
    return [_field(*each) for each in fields if each[2]]


def _field(key: str, label: str, value: str) -> dict[str, str]:
    return {"key": key, "label": label, "value": value}


def _archive(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
