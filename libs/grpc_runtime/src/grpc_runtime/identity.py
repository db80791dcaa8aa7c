"""Who this process is to its peers: certificate, key and CA in files that somebody renews while it runs."""

import logging
import ssl
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509

from grpc_runtime.settings import RuntimeSettings

LOOK_SECONDS = 1.0  # how long a renewal may go unnoticed


@dataclass(frozen=True, slots=True)
class Pem:
    """Texts of the three files. Two are the same only if nothing was renewed between them."""

    certificate: bytes
    key: bytes
    ca: bytes

    @property
    def ends_at(self) -> float:
        """When the certificate does, in seconds since 1970."""
        return x509.load_pem_x509_certificate(self.certificate).not_valid_after_utc.timestamp()


class Identity:
    """Certificate (with those above it), its key, and the CA that peers are signed by.

    The files are looked at when they are needed. What is not whole, as between two writes of a renewal, is passed over:
    the last whole one stays. ValueError where there has never been one. May be used by several threads.
    """

    def __init__(self, certificate: Path, key: Path, ca: Path) -> None:
        self._files = (certificate, key, ca)
        self._lock = threading.Lock()
        self._stamp = self._refused = self._written()
        self._looked = time.monotonic()
        self._pem = self._read()
        self._log = logging.getLogger(__name__)

    def current(self) -> Pem:
        """At most LOOK_SECONDS old."""
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                self._look()
            return self._pem

    def _look(self) -> None:
        self._looked = time.monotonic()
        stamp: Sequence[object] = ()
        try:
            stamp = self._written()
            if stamp == self._stamp:
                return
            pem = self._read()
            if self._written() != stamp:
                return  # it is being written just now
        except ValueError as problem:
            if stamp != self._refused:
                self._log.warning("renewed certificate passed over", extra={"problem": str(problem)})
            self._refused = stamp
            return
        self._stamp, self._pem = stamp, pem
        self._log.info("certificate renewed")

    def _written(self) -> Sequence[object]:
        try:
            found = [path.stat() for path in self._files]
        except OSError as error:
            raise ValueError(f"{error.filename} cannot be used: {error.strerror}") from None
        return [(each.st_ino, each.st_mtime_ns, each.st_size) for each in found]

    def _read(self) -> Pem:
        certificate, key, ca = self._files
        try:
            # gRPC itself takes what does not fit together, and then talks to nobody.
            ssl.create_default_context(cafile=str(ca)).load_cert_chain(certificate, key, password=lambda: "")
            return Pem(certificate.read_bytes(), key.read_bytes(), ca.read_bytes())
        except OSError as error:  # ssl.SSLError is one
            reason = getattr(error, "reason", None) or error.strerror
            raise ValueError(f"{certificate}, {key} or {ca} cannot be used: {reason}") from None


def identity_of(settings: RuntimeSettings) -> Identity | None:
    """None where services speak plainly. ValueError for files that cannot be used."""
    if not settings.tls_cert_file:
        return None
    return Identity(Path(settings.tls_cert_file), Path(settings.tls_key_file), Path(settings.tls_ca_file))


def server_credentials(identity: Identity) -> grpc.ServerCredentials:
    """Peers have to show a certificate of the CA. Each handshake takes the certificate there is then."""
    served = identity.current()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal served
        pem = identity.current()
        if pem is served:
            return None
        served = pem
        return _configuration(pem)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(served),
        renewed,  # type: ignore[arg-type]  # None means unchanged, which the stubs do not say
        require_client_authentication=True,
    )


def channel_credentials(pem: Pem) -> grpc.ChannelCredentials:
    """For one channel: gRPC cannot change those of a channel that is open."""
    return grpc.ssl_channel_credentials(pem.ca, pem.key, pem.certificate)


def _configuration(pem: Pem) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pem.key, pem.certificate)], root_certificates=pem.ca)
