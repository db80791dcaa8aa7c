"""Throw-away certificates: an authority that lives as long as a test, and what it has signed, as files."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = ("localhost", "127.0.0.1")
CERTIFICATE, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"


@dataclass(frozen=True, slots=True)
class Certified:
    """A folder as Kubernetes mounts a Secret: its files are links into another folder, which is swapped at once."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """PEM."""
        return self.folder / CERTIFICATE

    @property
    def key(self) -> Path:
        """PEM, PKCS #8."""
        return self.folder / KEY

    @property
    def authority(self) -> Path:
        """PEM, whom the holder trusts."""
        return self.folder / AUTHORITY

    @property
    def both(self) -> str:
        """Key and certificate in one text."""
        return self.key.read_text() + self.certificate.read_text()


class Authority:
    """A CA with a key of its own."""

    def __init__(self, name: str = "Throw-away CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(name)
        self._certificate = (
            _valid(subject, subject, self._key.public_key(), timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """Its own certificate."""
        return self._certificate.public_bytes(Encoding.PEM)

    def certify(
        self, folder: Path, *names: str, loopback: bool = True, valid: timedelta = timedelta(days=1)
    ) -> Certified:
        """A new certificate for these names, and those of loopback, instead of the one that may be in `folder`."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [_alternative(name) for name in (*names, *(LOOPBACK if loopback else ()))]
        certificate = (
            _valid(_named(names[0] if names else "localhost"), self._certificate.subject, key.public_key(), valid)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        texts = {
            CERTIFICATE: certificate.public_bytes(Encoding.PEM),
            KEY: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            AUTHORITY: self.pem,
        }
        _swap(folder, texts)
        return Certified(folder)


def _swap(folder: Path, texts: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    current = folder / "..data"
    old = current.resolve() if current.exists() else None
    fresh = folder / f"..{datetime.now(UTC).timestamp()}"
    fresh.mkdir()
    for name, text in texts.items():
        (fresh / name).write_bytes(text)
        if old is None:
            (folder / name).symlink_to(Path("..data") / name)
    (folder / "..new").symlink_to(fresh.name)
    (folder / "..new").replace(current)
    if old is not None:
        shutil.rmtree(old)


def _valid(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + valid)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
