"""Who is who in a cluster on loopback: a certificate authority of its own, and a token for each part."""

import ipaddress
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# Name of the user, its groups.
USERS = {
    "admin": ("admin", "system:masters"),
    "kwok": ("kwok", "system:masters"),
    "controllers": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "reader": ("reader", ""),
}
ADDRESSES = ("127.0.0.1", "10.0.0.1")


@dataclass(frozen=True, slots=True)
class Identities:
    """Files of one cluster in `folder`."""

    folder: Path
    tokens: dict[str, str] = field(default_factory=lambda: {name: secrets.token_hex(16) for name in USERS})

    @property
    def authority(self) -> Path:
        """The certificate that the server's is made by."""
        return self.folder / "ca.crt"

    @property
    def certificate(self) -> Path:
        """The server's."""
        return self.folder / "server.crt"

    @property
    def key(self) -> Path:
        """The server's, and what tokens of service accounts are signed with."""
        return self.folder / "server.key"

    @property
    def token_file(self) -> Path:
        """What the server knows its users by."""
        return self.folder / "tokens.csv"

    def write(self, port: int) -> None:
        """Make all of it; port: where the server listens."""
        authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        issuer, subject = _named("usher-tests"), _named("kube-apiserver")
        self._certify(self.authority, issuer, issuer, authority.public_key(), authority, is_authority=True)
        self._certify(self.certificate, subject, issuer, own.public_key(), authority, is_authority=False)
        self.key.touch(mode=0o600)
        self.key.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
        )
        lines = [f'{self.tokens[name]},{user},{name},"{groups}"' for name, (user, groups) in USERS.items()]
        self.token_file.touch(mode=0o600)
        self.token_file.write_text("\n".join(lines) + "\n")
        for user in USERS:
            self._write_kubeconfig(user, port)

    def kubeconfig(self, user: str) -> Path:
        """A file for kubectl and its like."""
        return self.folder / f"{user}.kubeconfig"

    def _write_kubeconfig(self, user: str, port: int) -> None:
        path = self.kubeconfig(user)
        cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(self.authority)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": user}}],
            "current-context": "tests",
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(content))  # which is YAML

    def _certify(
        self,
        path: Path,
        subject: x509.Name,
        issuer: x509.Name,
        key: ec.EllipticCurvePublicKey,
        by: ec.EllipticCurvePrivateKey,
        *,
        is_authority: bool,
    ) -> None:
        now = datetime.now(UTC)
        names = [x509.DNSName("localhost"), *(x509.IPAddress(ipaddress.ip_address(each)) for each in ADDRESSES)]
        made = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(by, hashes.SHA256())
        )
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
