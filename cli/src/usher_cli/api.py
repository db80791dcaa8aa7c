"""A small JSON client of the gateway that keeps what was said and repeats safely when a service is away."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

AWAY = {httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.GATEWAY_TIMEOUT}
PAUSE_SECONDS = 0.1

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One call and its answer; `answer` is the decoded JSON, or the raw bytes of anything else."""

    method: str
    path: str
    body: Mapping[str, Any] | None
    status: int
    answer: Any
    seconds: float


class ApiRefusal(Exception):
    """The gateway or a service said no: HTTP status, the stable reason, and the text for people."""

    def __init__(self, exchange: Exchange) -> None:
        error = exchange.answer if isinstance(exchange.answer, dict) else {}
        details = [detail for detail in error.get("details", []) if "reason" in detail]
        self.status = exchange.status
        self.reason = str(details[0]["reason"]) if details else ""
        self.metadata = dict(details[0].get("metadata", {})) if details else {}
        self.message = str(error.get("message", ""))
        reason = f" {self.reason}" if self.reason else ""
        super().__init__(f"{exchange.method} {exchange.path}: {self.status}{reason}: {self.message}")


def unheard(_exchange: Exchange) -> None:
    """A listener for callers that keep no transcript."""


@dataclass(slots=True)
class Api(AbstractContextManager["Api"]):
    """Calls through the gateway at `url`.

    Calls that find a service away (502, 503, 504 or no connection) are repeated with the same request id for at most
    `patience_seconds`. `heard` is told every exchange that was answered.
    """

    url: str
    patience_seconds: float = 10.0
    heard: Callable[[Exchange], None] = unheard
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def get(self, path: str, *, token: str = "", query: Mapping[str, Any] | None = None) -> Any:
        """Read; raises ApiRefusal."""
        return self._call("GET", path, None, query, token)

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        token: str = "",
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """Change something; give a `requestId` in body or query to make it safe to repeat. Raises ApiRefusal."""
        return self._call("POST", path, body or {}, query, token)

    def patch(self, path: str, body: Mapping[str, Any], *, token: str = "", query: Mapping[str, Any]) -> Any:
        """Change fields of something, those of `updateMask`; as `post`."""
        return self._call("PATCH", path, body, query, token)

    def stream(self, path: str, body: Mapping[str, Any], *, token: str = "") -> Iterator[Document]:
        """Call a streaming rpc and give its answers as they come, one JSON document a line; raises ApiRefusal."""
        started = time.monotonic()
        headers = _headers(token)
        with self.client.stream("POST", path, json=body, headers=headers, timeout=600.0) as response:
            if not response.is_success:
                response.read()
                raise ApiRefusal(self._exchange("POST", path, body, response, started))
            last: Document = {}
            for line in response.iter_lines():
                if line.strip():
                    last = json.loads(line)
                    yield last
        seconds = time.monotonic() - started
        self.heard(
            Exchange(method="POST", path=path, body=body, status=response.status_code, answer=last, seconds=seconds)
        )

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, query: Mapping[str, Any] | None, token: str
    ) -> Any:
        deadline = time.monotonic() + self.patience_seconds
        while True:
            started = time.monotonic()
            try:
                response = self.client.request(method, path, json=body, params=query, headers=_headers(token))
            except httpx.TransportError:
                if time.monotonic() > deadline:
                    raise
            else:
                if response.status_code not in AWAY or time.monotonic() > deadline:
                    exchange = self._exchange(method, path, body, response, started)
                    self.heard(exchange)
                    if not response.is_success:
                        raise ApiRefusal(exchange)
                    return exchange.answer
            time.sleep(PAUSE_SECONDS)

    def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None, response: httpx.Response, started: float
    ) -> Exchange:
        is_json = response.headers.get("content-type", "").startswith("application/json")
        query = f"?{response.url.query.decode()}" if response.url.query else ""
        return Exchange(
            method=method,
            path=path + query,
            body=body,
            status=response.status_code,
            answer=response.json() if is_json and response.content else response.content,
            seconds=time.monotonic() - started,
        )


def fresh_id() -> str:
    """A request id for a call that must take effect once however often it is repeated.

    32 hexadecimal digits: in fewer payment would now and then see a card number, and refuse it.
    """
    return secrets.token_hex(16)


def _headers(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}
