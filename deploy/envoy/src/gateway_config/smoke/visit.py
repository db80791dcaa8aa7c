"""A caller of the gateway: where it is, who calls, and what this run has made."""

import http.client
import json
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
Answer = tuple[int, Any]
# The newest mail to an address, as text; None where there is none yet.
Mailbox = Callable[[str], str | None]

CALL_SECONDS = 10.0
ARRIVAL_SECONDS = 30.0  # until what was done is known to another service
PAUSE_SECONDS = 0.2


class Wrong(Exception):
    """What a check found; one line."""


class Skipped(Exception):
    """A check that cannot be made here; the reason."""


@dataclass(frozen=True, slots=True)
class Account:
    """Of somebody who is registered already."""

    email: str
    password: str = field(repr=False)


@dataclass(slots=True)
class Visit:
    """One run of the checks.

    url: where the gateway is reached. name: in its certificate, where that is another than in `url`. certificate: file
    with the certificate it has to show, or of whoever signs it; without one the system's authorities are asked.
    account, mail: who signs in, or where the mail of somebody new arrives; without either no account is used.
    outside: the address the world uses, which is looked at too.
    """

    url: str
    name: str = ""
    certificate: str = ""
    account: Account | None = None
    mail: Mailbox | None = None
    outside: str = ""
    arrival_seconds: float = ARRIVAL_SECONDS
    token: str = ""
    refresh_token: str = ""
    organizer: str = ""
    event: str = ""
    ticket_type: str = ""
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.url.startswith("https://")

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if self.secure else 80)

    def trust(self) -> ssl.SSLContext:
        """What is believed of the gateway's certificate."""
        context = ssl.create_default_context(cafile=self.certificate or None)
        if self.certificate:  # it may be the gateway's own, without who signed it
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, signed_in: bool = False) -> Answer:
        """Status and JSON document, of a stream the last one. OSError where nobody answers."""
        headers = {"accept": "application/json", "content-type": "application/json"}
        if signed_in:
            if not self.token:
                raise Skipped("nobody is signed in")
            headers["authorization"] = f"Bearer {self.token}"
        connection = self._connection()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            *_, last = (b"null", *answer.read().splitlines())
            return answer.status, json.loads(last)
        finally:
            connection.close()

    def done(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer to somebody who is signed in; Wrong where it is a refusal."""
        status, answer = self.ask(method, path, body, signed_in=True)
        if status != 200:
            raise Wrong(f"{method} {path.partition('?')[0]}: {told(status, answer)}")
        return answer

    def eventually(self, look: Callable[[], T | None], what: str) -> T:
        """What `look` finds, asked again and again; Wrong when it takes too long."""
        end = time.monotonic() + self.arrival_seconds
        while (found := look()) is None:
            if time.monotonic() > end:
                raise Wrong(f"{what} did not come within {self.arrival_seconds:.0f} s")
            time.sleep(PAUSE_SECONDS)
        return found

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.place
        if not self.secure:
            return http.client.HTTPConnection(host, port, timeout=CALL_SECONDS)
        return _Named(host, port, self.name or host, self.trust())


class _Named(http.client.HTTPSConnection):
    """Reached under another name than the certificate has."""

    def __init__(self, host: str, port: int, name: str, trust: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=CALL_SECONDS, context=trust)
        self._name, self._trust = name, trust

    def connect(self) -> None:
        plain = socket.create_connection((self.host, self.port), CALL_SECONDS)
        self.sock = self._trust.wrap_socket(plain, server_hostname=self._name)


def fresh_id() -> str:
    """A request id: 32 hexadecimal digits, for in fewer payment now and then sees a card number."""
    return secrets.token_hex(16)


def told(status: int, answer: Any) -> str:
    """An unexpected answer in one line."""
    return f"{status} {json.dumps(answer)[:200]}"
