import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ticket_documents.content import Admission, Occasion

EVENT = "events/01jz000000000000000000evnt"
BOOKING = f"{EVENT}/bookings/01jz000000000000000000b00k"


@pytest.fixture
def occasion() -> Occasion:
    return Occasion(
        event=EVENT,
        title="Night of the Aurora",
        start_time=datetime(2027, 3, 6, 18, 30, tzinfo=UTC),
        end_time=datetime(2027, 3, 6, 22, 0, tzinfo=UTC),
        time_zone="Europe/Paris",
        venue="Palais des congrès",
        address="2 Place de la Porte Maillot, Paris, FR",
        location=(48.8786, 2.2831),
    )


@pytest.fixture
def admissions() -> list[Admission]:
    return [
        Admission(
            f"{BOOKING}/tickets/01jz00000000000000000tk{number:03d}",
            base64.urlsafe_b64encode(bytes([number]) * 117).decode(),
            f"Standard {number}",
            attendee=f"Ada Lovelace {number}",
            seat=f"Row {number}",
        )
        for number in range(1, 6)
    ]


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def rsa_pem(rsa_key) -> str:
    return rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture(scope="session")
def certificate_pem(rsa_key) -> str:
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.USER_ID, "pass.example.usher"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "TEAM123456"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Usher GmbH"),
        ]
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(rsa_key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(rsa_key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()
